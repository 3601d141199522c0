import { parseBusinessDate } from '../rules/business-date.ts';
import {
  countExpiredHistory,
  expireHistory,
  expireRecords,
  forgetTaken,
  isLandingWanted,
  keepings,
} from '../warehouse/retention.ts';
import type { Deps } from './deps.ts';

/** Tables that one call drops at most: each takes a lock, and the next call goes on. */
const DROPS_AT_ONCE = 100;

/** How much of each kind was given back: folders of landing, versions in history, records. */
export type Expired = Readonly<Record<string, number>>;

/**
 * Gives back what its retention no longer wants (R19): landing that no attempt wants, replaced versions, records.
 * @param dryRun only counts
 */
export async function expireStorage(
  deps: Pick<Deps, 'warehouse' | 'landing' | 'datasets' | 'log'>,
  { dryRun = false } = {},
): Promise<Expired> {
  const { warehouse, datasets, log } = deps;
  const expired: Record<string, number> = {
    landing: await expireLanding(deps, dryRun),
    history: dryRun ? await countExpiredHistory(warehouse) : await expireHistory(warehouse, DROPS_AT_ONCE),
  };
  const longestLanding = Math.max(0, ...[...datasets.values()].map(({ landingDays }) => landingDays));
  for (const keeping of keepings(longestLanding)) {
    expired[keeping.kind] = await expireRecords(warehouse, keeping, { dryRun });
  }
  if (dryRun) return expired;
  await forgetTaken(warehouse);
  const gone = Object.fromEntries(Object.entries(expired).filter(([, number]) => number > 0));
  if (Object.keys(gone).length > 0) log.info({ gone }, 'retention: what was kept for long enough is gone');
  return expired;
}

async function expireLanding(
  { warehouse, landing, datasets, log }: Pick<Deps, 'warehouse' | 'landing' | 'datasets' | 'log'>,
  dryRun: boolean,
): Promise<number> {
  let removed = 0;
  for (const { name, landingDays } of datasets.values()) {
    for (const folder of attemptFolders(await landing.list(name))) {
      const [, businessDate = '', epoch = ''] = folder.split('/');
      const date = parseBusinessDate(businessDate);
      if (!date) continue; // a folder of somebody's making
      const day = { dataset: name, businessDate: date };
      if (await isLandingWanted(warehouse, day, Number(epoch), landingDays)) continue;
      removed += 1;
      if (dryRun) continue;
      await landing.remove(folder);
      log.info({ folder }, 'landing folder removed: its time is over');
    }
  }
  return removed;
}

/** `<dataset>/<business date>/<epoch>` of each key that has such a form; what else lies there is not ours to judge. */
function attemptFolders(keys: readonly string[]): Set<string> {
  const folders = keys.map((key) => /^[^/]+\/\d{4}-\d{2}-\d{2}\/\d+(?=\/)/.exec(key)?.[0]);
  return new Set(folders.filter((folder) => folder !== undefined));
}
