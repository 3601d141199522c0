import type { Attempt, AttemptError, Outcome, Receipt } from '../rules/attempt.ts';
import { recordEnd, recordTally } from '../warehouse/attempts.ts';
import { warehouseError } from '../warehouse/failure.ts';
import type { Deps } from './deps.ts';
import { runStep } from './step.ts';

/** How an attempt ended, as its workflow saw it. */
export interface AttemptClosing {
  readonly outcome: Outcome;
  readonly error?: AttemptError;
}

/**
 * Records how an attempt ended. The outcome is what the ledger says: an attempt whose batch is there was loaded,
 * even where a cancel lost to its COMMIT (§3). Answers that batch's receipt.
 */
export const createCloseAttempt = ({ warehouse, ledger, log }: Deps) =>
  async function closeAttempt(attempt: Attempt, closing: AttemptClosing): Promise<Receipt | null> {
    return runStep(log, async ({ log: line }) => {
      const { dataset, businessDate, epoch } = attempt;
      try {
        const receipt = await ledger.receiptOfRun(attempt, attempt.ownerRunId);
        if (receipt) {
          await recordTally(warehouse, attempt, { ...receipt.counts, loadEpoch: receipt.epoch });
          // What failed after COMMIT, an audit say, is kept; a cancel that came too late is no failure.
          const error = closing.outcome === 'failed' ? closing.error : undefined;
          await recordEnd(warehouse, attempt, { outcome: 'loaded', loadId: receipt.loadId, error });
        } else {
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
