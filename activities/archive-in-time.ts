import { setTimeout as wait } from 'node:timers/promises';
import { inTime, LONGEST_ENGINE_MS } from '../alerting/in-time.ts';
import { describe, WarehouseUnavailable, type NightTrainError } from '../rules/errors.ts';
import { sqlStateOf, warehouseError } from '../warehouse/failure.ts';

const PAUSE_MS = 500;

/**
 * Asks the archive, again where it says no for now, for as long as an alert may wait for an engine: a database that is
 * away, or hangs, must keep nobody from being paged. @throws NightTrainError
 */
export async function archiveInTime<T>(doing: string, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + LONGEST_ENGINE_MS;
  for (;;) {
    try {
      return await inTime(work);
    } catch (error) {
      const known = unansweredOr(error, doing);
      if (!known.retryable || performance.now() + PAUSE_MS > deadline) throw known;
      await wait(PAUSE_MS);
    }
  }
}

/** What no server has said is silence. */
function unansweredOr(error: unknown, doing: string): NightTrainError {
  return sqlStateOf(error) === undefined
    ? new WarehouseUnavailable(`${doing}: ${describe(error)}`, { cause: error })
    : warehouseError(error, doing);
}
