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

/** How much of each kind was given back: folders of landing, staged parts, versions in history, records. */
export type Expired = Readonly<Record<string, number>>;

/**
 * Gives back what its retention no longer wants (R19): landing that no attempt wants, staged parts that no load reads any
 * more, replaced versions, records.
 * @param dryRun only counts
 */
export async function expireStorage(
  deps: Pick<Deps, 'warehouse' | 'landing' | 'datasets' | 'log'>,
  { dryRun = false } = {},
): Promise<Expired> {
  const { warehouse, datasets, log } = deps;
  const expired: Record<string, number> = {
    ...(await expireLanding(deps, dryRun)),
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

/** A load that was reset after its end reads its staged parts once more; a day later they are made anew. */
const STAGED_DAYS = 1;

async function expireLanding(
  { warehouse, landing, datasets, log }: Pick<Deps, 'warehouse' | 'landing' | 'datasets' | 'log'>,
  dryRun: boolean,
): Promise<{ readonly landing: number; readonly staged: number }> {
  const removed = { landing: 0, staged: 0 };
  for (const { name, landingDays } of datasets.values()) {
    for (const [folder, keys] of attemptFolders(await landing.list(name))) {
      const [, businessDate = '', epoch = ''] = folder.split('/');
      const date = parseBusinessDate(businessDate);
      if (!date) continue; // a folder of somebody's making
      const day = { dataset: name, businessDate: date };
      const isWanted = (days: number) => isLandingWanted(warehouse, day, Number(epoch), days);
      if (!(await isWanted(landingDays))) {
        removed.landing += 1;
        if (dryRun) continue;
        await landing.remove(folder);
        log.info({ folder }, 'landing folder removed: its time is over');
        continue;
      }
      const copies = keys.filter((key) => key.startsWith(`${folder}/staged/`) && key.endsWith('.copy'));
      if (copies.length === 0 || (await isWanted(STAGED_DAYS))) continue;
      removed.staged += copies.length;
      if (dryRun) continue;
      for (const copy of copies) await landing.remove(copy);
      log.info({ folder, parts: copies.length }, 'staged parts removed: no load reads them any more');
    }
  }
  return removed;
}

/** The keys below each `<dataset>/<business date>/<epoch>`; what else lies there is not ours to judge. */
function attemptFolders(keys: readonly string[]): Map<string, string[]> {
  const folders = new Map<string, string[]>();
  for (const key of keys) {
    const folder = /^[^/]+\/\d{4}-\d{2}-\d{2}\/\d+(?=\/)/.exec(key)?.[0];
    if (folder === undefined) continue;
    const known = folders.get(folder);
    if (known) known.push(key);
    else folders.set(folder, [key]);
  }
  return folders;
}
