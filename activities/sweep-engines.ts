import type { AlertKey, Finding } from '../rules/alert.ts';
import type { AlertRule } from '../rules/alert-rules.ts';
import { endOfPause } from '../rules/pause.ts';
import type { Deps } from './deps.ts';

/**
 * Puts schedules and `control` right; reports what it has put right, and what only a person may undo: a pause. Each
 * is over once a sweep no longer finds it.
 */
export async function putEnginesRight(deps: Deps): Promise<number> {
  const { upkeep } = deps;
  const remade = (await upkeep.createMissingSchedules()).map((scheduleId) => ({
    ...ofNobody('schedule-remade'),
    subject: scheduleId,
    sentence: `The schedule ${scheduleId} was gone, and was made again; slots that it missed meanwhile are lost`,
  }));
  const paused = (await stillPaused(deps)).map(({ dataset, note }) => ({
    ...ofNobody('schedule-paused'),
    dataset,
    sentence: `The schedule of ${dataset} is paused${note ? `: ${note}` : ''}`,
  }));
  const trouble = await upkeep.ensureControl();
  const restarted =
    trouble === undefined
      ? []
      : [{ ...ofNobody('control-restarted'), sentence: `nighttrain/control was started again: ${trouble}` }];
  return (
    (await report(deps, 'schedule-remade', remade, 'It is there')) +
    (await report(deps, 'schedule-paused', paused, 'It runs')) +
    (await report(deps, 'control-restarted', restarted, 'It runs'))
  );
}

/** Those whose pause goes on; one that was to end by itself is resumed. */
async function stillPaused({ upkeep, alarm, log }: Deps) {
  const paused = await upkeep.pausedSchedules();
  const now = new Date().toISOString();
  const goOn: (typeof paused)[number][] = [];
  for (const one of paused) {
    const { dataset, note } = one;
    const isOver = (endOfPause(note) ?? now) < now;
    const end = isOver ? await upkeep.resumeWhenOver(dataset) : undefined;
    if (end === undefined) {
      goOn.push(one); // one that is over by its note was renewed: the list is older than that
      continue;
    }
    log.warn({ dataset, end, note }, 'schedule resumed: its pause is over');
    await alarm.resolve({ ...ofNobody('schedule-paused'), dataset }, `Its pause was to end at ${end}`);
  }
  return goOn;
}

/** Answers how many of them are news. */
async function report(
  { alarm }: Deps,
  rule: AlertRule,
  found: readonly Finding[],
  over: string,
): Promise<number> {
  let news = 0;
  for (const finding of found) if (await alarm.raise(finding)) news += 1;
  await alarm.resolveOthers(rule, found, over);
  return news;
}

const ofNobody = (rule: AlertRule): AlertKey => ({ rule, dataset: null, businessDate: null });
