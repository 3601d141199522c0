import { exhaustedAndAnswered, pagedAlerts, type PagedAlert } from '../alerting/paging/escalations.ts';
import type { Deps } from './deps.ts';
import { inTurn } from './in-turn.ts';

/** Alerts that one sweep sees to; the next one goes on. */
const MOST_AT_ONCE = 200;

/**
 * Starts the escalations that are due, and those under way whose workflow is gone: killed between the archive and the
 * start, a Temporal that was away, a workflow that somebody ended (R12).
 */
export async function startDueEscalations({
  warehouse,
  escalations,
  alarm,
  log,
}: Pick<Deps, 'warehouse' | 'escalations' | 'alarm' | 'log'>): Promise<number> {
  for (const key of await exhaustedAndAnswered(warehouse)) await alarm.resolve(key, 'The alert was answered');
  let started = 0;
  const startWhereNoneRuns = async ({ alertId, paging }: PagedAlert) => {
    if (paging === 'under way' && (await escalations.isRunning(alertId))) return;
    await escalations.start(alertId);
    log.warn({ alertId, paging }, 'escalation started by the sweep');
    started += 1;
  };
  await inTurn(await pagedAlerts(warehouse, MOST_AT_ONCE), startWhereNoneRuns, log);
  return started;
}
