import type { Attempt, AttemptError, Outcome, Receipt } from '../rules/attempt.ts';
import { dayLabel } from '../rules/dataset-day.ts';
import { recordEnd, recordTally } from '../warehouse/attempts.ts';
import { warehouseError } from '../warehouse/failure.ts';
import type { Alarm } from '../alerting/alarm/alarm.ts';
import type { Deps } from './deps.ts';
import { raiseEndOfAttempt } from './raise-end.ts';
import { runStep } from './step.ts';
import { addStepFields } from './step-lines.ts';

/** How an attempt ended, as its workflow saw it. */
export interface AttemptClosing {
  readonly outcome: Outcome;
  readonly error?: AttemptError;
}

/**
 * Records how an attempt ended. The outcome is what the ledger says: an attempt whose batch is there was loaded,
 * even where a cancel lost to its COMMIT (§3). Any other end raises an alert; a night that loaded resolves those of
 * its day. Answers that batch's receipt.
 */
export const createCloseAttempt = (deps: Deps) =>
  async function closeAttempt(attempt: Attempt, closing: AttemptClosing): Promise<Receipt | null> {
    const { warehouse, ledger, alarm } = deps;
    return runStep(deps.log, async ({ log: line, workflowId }) => {
      addStepFields(attempt);
      const { dataset, businessDate, epoch } = attempt;
      try {
        const receipt = await ledger.receiptOfRun(attempt, attempt.ownerRunId);
        if (receipt) {
          await recordTally(warehouse, attempt, { ...receipt.counts, loadEpoch: receipt.epoch });
          // What failed after COMMIT, an audit say, is kept; a cancel that came too late is no failure.
          const error = closing.outcome === 'failed' ? closing.error : undefined;
          await recordEnd(warehouse, attempt, { outcome: 'loaded', loadId: receipt.loadId, error });
          await alarm.resolveNight(attempt, attempt.ownerRunId);
          if (error) await raiseUnaudited(alarm, attempt, error);
        } else {
          // Before it is closed: whoever is killed in between leaves an attempt that the sweep closes, and tells of.
          const { rejectLimitPercent } = attempt.plan;
          const end = { ...closing, workflowId, runId: attempt.ownerRunId, rejectLimitPercent };
          await raiseEndOfAttempt({ ...deps, log: line }, attempt, end);
          await recordEnd(warehouse, attempt, closing);
        }
        line.info(
          { dataset, businessDate, epoch, outcome: receipt ? 'loaded' : closing.outcome },
          'attempt closed',
        );
        return receipt ?? null;
      } catch (error) {
        throw warehouseError(error, `The attempt at ${dataset} of ${businessDate} could not be closed`);
      }
    });
  };

/** The night is in the warehouse, and nobody knows what its audits would have found. */
async function raiseUnaudited(alarm: Alarm, attempt: Attempt, error: AttemptError): Promise<void> {
  const { dataset, businessDate, epoch, ownerRunId: runId } = attempt;
  const sentence = `${dayLabel(attempt)} is loaded, but its audits were not finished: ${error.message}`;
  const facts = { error: error.name, code: error.code, detail: error.detail, epoch, runId };
  const key = { rule: 'audit-warned', dataset, businessDate, subject: 'not finished' } as const;
  await alarm.raise({ ...key, sentence, facts }, `${dataset}/${businessDate}/${epoch}/${runId}/unaudited`);
}
