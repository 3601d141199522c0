import type { DatasetDay } from '../rules/dataset-day.ts';
import { describe } from '../rules/errors.ts';
import { findingOf, type NightEnd } from '../rules/night-end.ts';
import { findAttempt } from '../warehouse/attempts.ts';
import type { AttemptRow } from '../warehouse/entities/attempt.ts';
import type { Deps } from './deps.ts';
import { runStep } from './step.ts';
import { addStepFields } from './step-lines.ts';

/** How a night ended that never came to an attempt, as its workflow saw it. */
export type EndWithoutAttempt = Pick<NightEnd, 'dataset' | 'businessDate' | 'outcome' | 'error'>;

/**
 * Raises the alert of an attempt that did not load, once, however many find out that it ended: the step that closes
 * it, tried again, and the sweep.
 */
export async function raiseEndOfAttempt(
  { warehouse, alarm, log }: Pick<Deps, 'warehouse' | 'alarm' | 'log'>,
  attempt: DatasetDay & { readonly epoch: number },
  end: Omit<NightEnd, 'dataset' | 'businessDate' | 'epoch'>,
): Promise<void> {
  const { dataset, businessDate, epoch } = attempt;
  const known = await findAttempt(warehouse, attempt).catch((error: unknown) => {
    log.warn({ dataset, businessDate, epoch, error: describe(error) }, 'an alert goes without its counts');
    return undefined;
  });
  const finding = findingOf({ dataset, businessDate, epoch, ...end, ...(known && tallyOf(known)) });
  if (finding) await alarm.raise(finding, `${dataset}/${businessDate}/${epoch}/${end.runId}`);
}

function tallyOf(row: AttemptRow): Pick<NightEnd, 'counts' | 'rejectedByRule'> {
  const counts = {
    read: row.rowsRead,
    loaded: row.rowsLoaded,
    rejected: row.rowsRejected,
    discarded: row.rowsDiscarded,
    deduplicated: row.rowsDeduplicated,
  };
  return { counts, rejectedByRule: row.rejectedByRule };
}

/** Raises the alert of a night that ended before it had an attempt. */
export const createRaiseEnd = ({ alarm, log }: Deps) =>
  async function raiseEnd(end: EndWithoutAttempt): Promise<void> {
    return runStep(log, async ({ workflowId, ownerRunId }) => {
      addStepFields(end);
      const finding = findingOf({ ...end, workflowId, runId: ownerRunId });
      if (finding) await alarm.raise(finding, `${workflowId}/${ownerRunId}`);
    });
  };
