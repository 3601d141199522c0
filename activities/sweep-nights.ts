import type { Finding } from '../rules/alert.ts';
import { datesDue } from '../rules/overdue.ts';
import { publishedAmong, scheduledSince } from '../warehouse/stale.ts';
import type { Deps } from './deps.ts';

const RULE = 'night-missing';

/** Reports nights past their deadline with no batch, also where nothing ever started (R12); each once. */
export async function reportMissingNights({ warehouse, datasets, alarm }: Deps): Promise<number> {
  const since = await scheduledSince(warehouse);
  const missing: Finding[] = [];
  for (const { name, schedule } of datasets.values()) {
    const first = since.get(name);
    if (!schedule || !first) continue;
    const due = datesDue(schedule, first, Date.now());
    const published = await publishedAmong(warehouse, name, due);
    for (const date of due.filter((one) => !published.has(one))) {
      const sentence = `${name} of ${date} is not in the warehouse, past its deadline of ${schedule.dueBy} ${schedule.timeZone}`;
      missing.push({ rule: RULE, dataset: name, businessDate: date, sentence });
    }
  }
  let news = 0;
  for (const finding of missing) {
    if (await alarm.raise(finding)) news += 1;
  }
  return news;
}
