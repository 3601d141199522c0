import type { DatasetDay } from '../rules/dataset-day.ts';
import { isLandingWanted, expireHistory } from '../warehouse/retention.ts';
import type { Deps } from './deps.ts';

/** Tables that one call drops at most: each takes a lock, and the next call goes on. */
const DROPS_AT_ONCE = 100;

/** Removes landing folders whose time is over or that no attempt knows, and replaced versions past theirs (R19). */
export async function expireStorage({ warehouse, landing, datasets, log }: Deps): Promise<number> {
  const keys = await landing.list('');
  const folders = new Set(keys.map((key) => key.split('/').slice(0, 3).join('/')));
  let removed = 0;
  for (const folder of folders) {
    const [dataset = '', businessDate = '', epoch = ''] = folder.split('/');
    const days = datasets.get(dataset)?.landingDays;
    if (days === undefined || !/^\d+$/.test(epoch)) continue; // not ours to judge
    const day = { dataset, businessDate } as DatasetDay;
    if (await isLandingWanted(warehouse, day, Number(epoch), days)) continue;
    await landing.remove(folder);
    log.info({ folder }, 'landing folder removed: its time is over');
    removed += 1;
  }
  const dropped = await expireHistory(warehouse, DROPS_AT_ONCE);
  if (dropped > 0)
    log.info({ dropped }, 'replaced versions dropped: their time in warehouse_history is over');
  return removed + dropped;
}
