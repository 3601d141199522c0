import type { DatasetDay } from '../rules/dataset-day.ts';
import type { Dataset } from '../rules/dataset.ts';
import { WarehouseUnavailable } from '../rules/errors.ts';
import { latestOwed } from '../rules/night.ts';
import { lockHolders } from '../warehouse/lock-holders.ts';
import { loadSessions } from '../warehouse/stale.ts';
import type { Deps } from './deps.ts';
import { endLoads } from './end-loads.ts';
import { engineError } from './engine-error.ts';
import { runStep } from './step.ts';
import { closeAbandoned } from './sweep-attempts.ts';

/** What a cold reboot ended. */
export interface Rebooted {
  readonly cancelled: number;
  readonly terminated: number;
  readonly sessionsEnded: number;
  readonly attemptsClosed: number;
}

/** A step on a living worker hears within a second that its run is gone; until then it may open one session more. */
const LONGEST_CALMING_MS = 5_000;

type RebootDeps = Pick<Deps, 'warehouse' | 'ledger' | 'eviction' | 'temporal' | 'alarm' | 'log'>;

/**
 * Stops everything and leaves it clean: running loads are cancelled, or terminated past a bound; every load session
 * is ended; attempts are closed with what the ledger says; then nothing may hold a session or a lock on what is
 * published. Needs no worker, so that an operator can do it when none answers.
 * @throws WarehouseUnavailable naming who still holds on
 */
export async function rebootCold(deps: RebootDeps, signal: AbortSignal): Promise<Rebooted> {
  const ended = await endLoads(deps, signal);
  const calmed = await calm(deps, signal);
  const holders = await lockHolders(deps.warehouse, 'writers');
  if (holders.length > 0) {
    throw new WarehouseUnavailable('All loads are ended, yet something else locks published tables', {
      detail: holders.join('\n'),
      hint: 'End these sessions (select pg_terminate_backend(pid)), or wait for them.',
    });
  }
  return { ...ended, ...calmed };
}

/** Closes attempts and ends sessions until a look finds none. @throws WarehouseUnavailable where they keep coming */
async function calm(
  deps: RebootDeps,
  signal: AbortSignal,
): Promise<Pick<Rebooted, 'sessionsEnded' | 'attemptsClosed'>> {
  const { warehouse, eviction } = deps;
  const deadline = performance.now() + LONGEST_CALMING_MS;
  for (let sessionsEnded = 0, attemptsClosed = 0; ;) {
    signal.throwIfAborted();
    const sessions = await loadSessions(warehouse);
    const closed = await closeAbandoned(deps, 0, 'by an operator');
    for (const session of sessions) await eviction.end(session);
    if (sessions.length + closed === 0) return { sessionsEnded, attemptsClosed };
    if (performance.now() > deadline) {
      throw new WarehouseUnavailable('All loads are ended, yet new sessions of loads keep coming', {
        detail: sessions.map(({ applicationName, pid }) => `${applicationName} (pid ${pid})`).join('\n'),
        hint: 'Somebody starts loads meanwhile, a schedule perhaps: pause it, and type the command again.',
      });
    }
    sessionsEnded += sessions.length;
    attemptsClosed += closed;
  }
}

/**
 * The last business day of each scheduled dataset, those first that others come after.
 * @param now ISO 8601
 */
export function lastDays(datasets: ReadonlyMap<string, Dataset>, now: string): DatasetDay[] {
  const days: DatasetDay[] = [];
  const visit = ({ name, schedule }: Dataset) => {
    if (!schedule || days.some(({ dataset }) => dataset === name)) return;
    for (const before of schedule.after) {
      const dataset = datasets.get(before);
      if (dataset) visit(dataset);
    }
    days.push({ dataset: name, businessDate: latestOwed(schedule, now) });
  };
  for (const dataset of datasets.values()) visit(dataset);
  return days;
}

/** The same by signal, for `control`. */
export const createRebootAll = (deps: Deps) =>
  async function rebootAll(): Promise<Rebooted & { readonly last: readonly DatasetDay[] }> {
    return runStep(deps.log, async ({ signal, log }) => {
      try {
        const rebooted = await rebootCold({ ...deps, log }, signal);
        log.warn({ ...rebooted }, 'cold reboot done');
        return { ...rebooted, last: lastDays(deps.datasets, new Date().toISOString()) };
      } catch (error) {
        throw engineError(error, 'The cold reboot could not be finished');
      }
    });
  };
