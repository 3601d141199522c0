import type { DataSource } from 'typeorm';
import type { FollowedRecord } from '../intake/follow-records.ts';
import { jsonLines, readJsonLines, readUnverified } from '../intake/json-lines.ts';
import type { LandingStore } from '../intake/landing.ts';
import { landingPrefix, type Landed, type StagedPart } from '../intake/manifest.ts';
import { inOrder } from '../intake/staged-rows.ts';
import type { Attempt } from '../rules/attempt.ts';
import { Ordinals } from '../rules/ordinals.ts';
import type { ReleasedCount, ReleasedRow } from '../rules/release.ts';
import { keepReleasedRows } from '../warehouse/release-rows.ts';
import { nothingUnfit, ruleAgainst, type RowChecks } from '../warehouse/row-checks.ts';

/** What SQL has found unfit, and, under `merge`, the rows older than what is there. */
export interface Unfit extends RowChecks {
  readonly stale: Ordinals;
}

interface Stores {
  readonly warehouse: DataSource;
  readonly landing: LandingStore;
}

/** Before SQL has judged. */
const NOTHING_UNFIT: Unfit = { ...nothingUnfit(), stale: new Ordinals() };

/**
 * Keeps which rejected row went where: all of them as `released.jsonl` in the attempt's landing folder, the first ones
 * in the table. Nothing of it rolls back with the load; a staged row is loaded once the attempt is (R5).
 */
export async function keepReleased(
  { warehouse, landing }: Stores,
  attempt: Attempt,
  { release }: Landed,
  parts: readonly StagedPart[],
  unfit: Unfit,
): Promise<void> {
  if (release === undefined) return;
  await landing.write(releasedKey(attempt), jsonLines(waysOf(landing, parts, unfit)));
  await keepReleasedRows(warehouse, release, attempt.epoch, waysOf(landing, parts, unfit));
}

/** Keeps it also of a night that is refused before SQL has judged. @throws what `refuseIfBad` throws */
export async function followRefused(
  stores: Stores,
  attempt: Attempt,
  landed: Landed,
  parts: readonly StagedPart[],
  refuseIfBad: () => Promise<void>,
): Promise<void> {
  try {
    await refuseIfBad();
  } catch (refusal) {
    await keepReleased(stores, attempt, landed, parts, NOTHING_UNFIT);
    throw refusal;
  }
}

/** Where an attempt has the rows that it was released with, one JSON `ReleasedRow` a line. */
export function releasedKey({ epoch, ...day }: Pick<Attempt, 'dataset' | 'businessDate' | 'epoch'>): string {
  return `${landingPrefix(day, epoch)}/released.jsonl`;
}

/** How many of the rows that each rule had rejected went which way; undefined where the file is not there. */
export async function countReleasedFile(
  landing: LandingStore,
  attempt: Pick<Attempt, 'dataset' | 'businessDate' | 'epoch'>,
): Promise<ReleasedCount[] | undefined> {
  const key = releasedKey(attempt);
  const keys = await landing.list(landingPrefix(attempt, attempt.epoch));
  if (!keys.includes(key)) return undefined;
  return countRows(readUnverified<ReleasedRow>(landing, key));
}

/** The same of a release that is rehearsed. */
export function countWays(
  landing: LandingStore,
  parts: readonly StagedPart[],
  unfit: Unfit,
): Promise<ReleasedCount[]> {
  return countRows(waysOf(landing, parts, unfit));
}

async function countRows(rows: AsyncIterable<ReleasedRow>): Promise<ReleasedCount[]> {
  const counts = new Map<string, ReleasedCount>();
  for await (const { rule, became, becameRule } of rows) {
    const name = JSON.stringify([rule, became, becameRule]);
    counts.set(name, { rule, became, becameRule, rows: (counts.get(name)?.rows ?? 0) + 1 });
  }
  return [...counts.values()].sort((a, b) => a.rule.localeCompare(b.rule) || b.rows - a.rows);
}

/** The intake's word on each followed record, and SQL's on those that were staged. */
async function* waysOf(
  landing: LandingStore,
  parts: readonly StagedPart[],
  unfit: Unfit,
): AsyncGenerator<ReleasedRow> {
  const { deduplicated, superseded, stale } = unfit;
  let first = 0;
  for (const { followed, staged } of inOrder(parts)) {
    for await (const { place, ...row } of followed ? readJsonLines<FollowedRecord>(landing, followed) : []) {
      const ordinal = first + (place ?? 0);
      const rule = ruleAgainst(unfit, ordinal);
      if (place === null) yield row;
      else if (rule !== undefined) yield { ...row, became: 'rejected', becameRule: rule };
      else if (deduplicated.has(ordinal)) yield { ...row, became: 'deduplicated' };
      else if (superseded.has(ordinal) || stale.has(ordinal)) yield { ...row, became: 'discarded' };
      else yield row;
    }
    first += staged;
  }
}
