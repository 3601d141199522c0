import { exhaustedAndAnswered, pagedAlerts } from '../alerting/paging/escalations.ts';
import type { Deps } from './deps.ts';

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
  for (const { alertId, paging } of await pagedAlerts(warehouse, MOST_AT_ONCE)) {
    if (paging === 'under way' && (await escalations.isRunning(alertId))) continue;
    await escalations.start(alertId);
    log.warn({ alertId, paging }, 'escalation started by the sweep');
    started += 1;
  }
  return started;
}
