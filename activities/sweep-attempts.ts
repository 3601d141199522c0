import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { AttemptError, Outcome } from '../rules/attempt.ts';
import { recordEnd } from '../warehouse/attempts.ts';
import { takeOverFence } from '../warehouse/fence.ts';
import { openAttempts, type OpenAttempt } from '../warehouse/stale.ts';
import type { Deps } from './deps.ts';

/** Younger attempts are let alone: their workflow may be about to close them. */
const LEAST_AGE_SECONDS = 15;

interface Ending {
  readonly outcome: Outcome;
  readonly error: AttemptError;
}

/**
 * Closes attempts whose workflow has ended without doing it: terminated, timed out, gone (R13). The day is taken from
 * the run before the ledger is asked: its worker may be frozen, and would load when it wakes (R6). What the ledger has
 * was loaded all the same; what the run left in the database is ended.
 */
export async function closeAbandoned(
  {
    warehouse,
    ledger,
    eviction,
    temporal,
    log,
  }: Pick<Deps, 'warehouse' | 'ledger' | 'eviction' | 'temporal' | 'log'>,
  ageSeconds = LEAST_AGE_SECONDS,
): Promise<number> {
  let closed = 0;
  for (const attempt of await openAttempts(warehouse, ageSeconds)) {
    const ending = await endingOf(temporal, attempt);
    if (!ending) continue;
    if (attempt.ownEpoch !== null) {
      const epoch = await takeOverFence(warehouse, attempt, `nobody, after ${attempt.ownerRunId}`);
      await eviction.evictBefore(attempt, epoch);
    }
    const receipt = await ledger.receiptOfRun(attempt, attempt.ownerRunId);
    await recordEnd(warehouse, attempt, receipt ? { outcome: 'loaded', loadId: receipt.loadId } : ending);
    const { dataset, businessDate, epoch } = attempt;
    log.warn(
      { dataset, businessDate, epoch, outcome: receipt ? 'loaded' : ending.outcome },
      'abandoned attempt closed',
    );
    closed += 1;
  }
  return closed;
}

/** How the attempt's workflow ended; undefined while it runs. */
async function endingOf(
  temporal: Client,
  { workflowId, ownerRunId }: OpenAttempt,
): Promise<Ending | undefined> {
  try {
    const { status } = await temporal.workflow.getHandle(workflowId, ownerRunId).describe();
    if (status.name === 'RUNNING') return undefined;
    const outcome = status.name === 'CANCELLED' ? 'cancelled' : 'failed';
    const message = `Its workflow ended (${status.name.toLowerCase().replaceAll('_', ' ')}) without closing the attempt`;
    return { outcome, error: { name: 'Abandoned', message } };
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    return {
      outcome: 'failed',
      error: { name: 'Abandoned', message: 'Temporal no longer knows its workflow' },
    };
  }
}
