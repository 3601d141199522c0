import type { Client } from '@temporalio/client';
import type { DataSource } from 'typeorm';
import type { AttemptError, Outcome } from '../rules/attempt.ts';
import { findAttemptOfRun, recordEnd } from '../warehouse/attempts.ts';
import { takeOverFence } from '../warehouse/fence.ts';
import { openAttempts, type OpenAttempt } from '../warehouse/stale.ts';
import type { Deps } from './deps.ts';
import { raiseEndOfAttempt } from './raise-end.ts';
import { runsOf } from './owner-run.ts';

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
  deps: Pick<Deps, 'warehouse' | 'ledger' | 'eviction' | 'temporal' | 'alarm' | 'log'>,
  ageSeconds = LEAST_AGE_SECONDS,
  ended: 'by itself' | 'by an operator' = 'by itself',
): Promise<number> {
  const { warehouse, ledger, eviction, temporal, alarm, log } = deps;
  let closed = 0;
  for (const attempt of await openAttempts(warehouse, ageSeconds)) {
    const ending = await endingOf(temporal, warehouse, attempt);
    if (!ending) continue;
    if (attempt.ownEpoch !== null) {
      const epoch = await takeOverFence(warehouse, attempt, `nobody, after ${attempt.ownerRunId}`);
      await eviction.evictBefore(attempt, epoch);
    }
    const receipt = await ledger.receiptOfRun(attempt, attempt.ownerRunId);
    if (!receipt) {
      const { workflowId, ownerRunId: runId } = attempt;
      const outcome = ended === 'by an operator' ? 'cancelled' : ending.outcome;
      await raiseEndOfAttempt(deps, attempt, { ...ending, outcome, workflowId, runId });
    }
    await recordEnd(warehouse, attempt, receipt ? { outcome: 'loaded', loadId: receipt.loadId } : ending);
    if (receipt) await alarm.resolveNight(attempt, attempt.ownerRunId);
    const { dataset, businessDate, epoch } = attempt;
    log.warn(
      { dataset, businessDate, epoch, outcome: receipt ? 'loaded' : ending.outcome },
      'abandoned attempt closed',
    );
    closed += 1;
  }
  return closed;
}

/** How the attempt's workflow ended; undefined while it runs, also where it was reset and goes on with the attempt. */
async function endingOf(
  temporal: Client,
  warehouse: DataSource,
  attempt: OpenAttempt,
): Promise<Ending | undefined> {
  const [own, ...resets] = await runsOf(temporal, attempt);
  if (!own) return abandoned('failed', 'Temporal no longer knows its workflow');
  for (const { runId } of resets) {
    const other = await findAttemptOfRun(warehouse, attempt, runId);
    if (other !== undefined) return abandoned('failed', 'Its workflow was reset, and took the day over anew');
  }
  const { status } = resets.at(-1) ?? own;
  if (status.name === 'RUNNING') return undefined;
  const how = status.name.toLowerCase().replaceAll('_', ' ');
  return abandoned(
    status.name === 'CANCELLED' ? 'cancelled' : 'failed',
    `Its workflow ended (${how}) without closing the attempt`,
  );
}

function abandoned(outcome: Outcome, message: string): Ending {
  return { outcome, error: { name: 'Abandoned', message } };
}
