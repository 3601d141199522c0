import { raise, resolveOthers } from '../alerting/archive.ts';
import type { Finding } from '../rules/alert.ts';
import type { Deps } from './deps.ts';

const PAUSED = 'schedule-paused';
const CONTROL = 'control-restarted';

/** Puts schedules and `control` right; reports what only a person may undo: a pause, and each restart of `control`. */
export async function putEnginesRight({ warehouse, upkeep, log }: Deps): Promise<number> {
  let news = 0;
  const report = async (finding: Finding) => {
    if (!(await raise(warehouse, finding))) return;
    log.warn({ rule: finding.rule, dataset: finding.dataset }, finding.sentence);
    news += 1;
  };
  for (const scheduleId of await upkeep.createMissingSchedules())
    log.warn({ scheduleId }, 'schedule made again');
  const paused = (await upkeep.pausedSchedules()).map(({ dataset, note }): Finding => {
    const sentence = `The schedule of ${dataset} is paused${note ? `: ${note}` : ''}`;
    return { rule: PAUSED, dataset, businessDate: null, sentence };
  });
  for (const finding of paused) await report(finding);
  await resolveOthers(warehouse, PAUSED, paused);
  const trouble = await upkeep.ensureControl();
  if (trouble !== undefined) {
    const sentence = `nighttrain/control was started again: ${trouble}`;
    await report({ rule: CONTROL, dataset: null, businessDate: null, sentence });
  }
  return news;
}
