import { parseBusinessDate } from '../rules/business-date.ts';
import { expireHistory, forgetTaken, isLandingWanted } from '../warehouse/retention.ts';
import type { Deps } from './deps.ts';

/** Tables that one call drops at most: each takes a lock, and the next call goes on. */
const DROPS_AT_ONCE = 100;

/** Removes landing folders whose time is over or that no attempt knows, and replaced versions past theirs (R19). */
export async function expireStorage({ warehouse, landing, datasets, log }: Deps): Promise<number> {
  let removed = 0;
  for (const { name, landingDays } of datasets.values()) {
    for (const folder of attemptFolders(await landing.list(name))) {
      const [, businessDate = '', epoch = ''] = folder.split('/');
      const date = parseBusinessDate(businessDate);
      if (!date) continue; // a folder of somebody's making
      const day = { dataset: name, businessDate: date };
      if (await isLandingWanted(warehouse, day, Number(epoch), landingDays)) continue;
      await landing.remove(folder);
      log.info({ folder }, 'landing folder removed: its time is over');
      removed += 1;
    }
  }
  const dropped = await expireHistory(warehouse, DROPS_AT_ONCE);
  if (dropped > 0)
    log.info({ dropped }, 'replaced versions dropped: their time in warehouse_history is over');
  await forgetTaken(warehouse);
  return removed + dropped;
}

/** `<dataset>/<business date>/<epoch>` of each key that has such a form; what else lies there is not ours to judge. */
function attemptFolders(keys: readonly string[]): Set<string> {
  const folders = keys.map((key) => /^[^/]+\/\d{4}-\d{2}-\d{2}\/\d+(?=\/)/.exec(key)?.[0]);
  return new Set(folders.filter((folder) => folder !== undefined));
}
