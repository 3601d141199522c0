import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Counts } from '../../rules/counts.ts';
import { exceedsRejectLimit, isEmptySource } from '../../rules/reject-limit.ts';
import { fareLines } from '../support/fares.ts';
import type { House } from '../support/house.ts';

/** What a source holds for a day. */
export interface Version {
  readonly good: number;
  /** Rows that will be rejected. */
  readonly bad: number;
  /** Rows of another day, which will be discarded. */
  readonly otherDay: number;
  /** Tells one version from another wherever its rows are seen. */
  readonly mark: number;
  /** Files that the day comes in. */
  readonly parts: number;
}

/** A question that a reader asks again and again; its answer is one text in `seen`. */
export interface Look {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** A dataset day under fire. */
export interface Day {
  readonly dataset: string;
  readonly date: string;
  readonly look: Look;
  put(version: Version): Promise<void>;
  /** What readers see of it. */
  seenAs(version: Version): string;
}

export const NOTHING_SEEN = '0 rows of nothing';

const DAY_OF = { fares: faresOf, clients: clientsOf, 'freight-movements': movementsOf };
export type DatasetUnderFire = keyof typeof DAY_OF;

/** @param nth of its scene: every day under fire is another */
export function dayUnderFire(house: House, dataset: DatasetUnderFire, nth: number, date = nthDate(nth)): Day {
  return DAY_OF[dataset](house, date, nth);
}

const nthDate = (nth: number) => new Date(Date.UTC(2020, 0, 1 + nth)).toISOString().slice(0, 10);

/** What the ledger must say of a version (R4). */
export function countsOf({ good, bad, otherDay }: Version): Counts {
  return { read: good + bad + otherDay, loaded: good, rejected: bad, discarded: otherDay, deduplicated: 0 };
}

/** Whether a version must not be loaded (R2, R3). */
export function isRefused(version: Version): boolean {
  const counts = countsOf(version);
  return isEmptySource(counts) || exceedsRejectLimit(counts, 30);
}

const seen = (rows: number, mark: number): string => (rows === 0 ? NOTHING_SEEN : `${rows} rows of ${mark}`);

/** Facts, a partition a day. */
function faresOf(house: House, date: string): Day {
  return {
    dataset: 'fares',
    date,
    look: {
      sql: `select count(*) || ' rows of ' || coalesce(string_agg(distinct amount::text, ' and '), 'nothing') as seen
        from warehouse.fare where business_date = $1`,
      values: [date],
    },
    put: (version) => {
      const { good, bad, otherDay, mark } = version;
      return putParts(house, 'fares', date, fareLines(date, { good, bad, otherDay, amount: mark }), version);
    },
    seenAs: ({ good, mark }) => seen(good, mark),
  };
}

const IDS_A_DAY = 10_000;

/** Entities; every day under fire has clients of its own. */
function clientsOf(house: House, date: string, nth: number): Day {
  const from = nth * IDS_A_DAY;
  return {
    dataset: 'clients',
    date,
    look: {
      sql: `select count(*) || ' rows of ' || coalesce(string_agg(distinct city, ' and '), 'nothing') as seen
        from warehouse.client where id >= $1 and id < $2`,
      values: [from, from + IDS_A_DAY],
    },
    put: (version) => {
      const { good, bad, mark } = version;
      const lines = ['id,name,city'];
      for (let row = 0; row < good + bad; row++) {
        lines.push(`${from + row},${row < good ? `client ${row}` : ''},${mark}`);
      }
      return putParts(house, 'clients', date, lines, version);
    },
    seenAs: ({ good, mark }) => seen(good, mark),
  };
}

/** Facts from an API; a version has as many movements as its mark says. */
function movementsOf(house: House, date: string): Day {
  return {
    dataset: 'freight-movements',
    date,
    look: {
      sql: `select count(*) || ' rows of ' || case when count(*) = 0 then 'nothing' else 'movements' end as seen
        from warehouse.freight_movement where business_date = $1`,
      values: [date],
    },
    put: async ({ good }) => tellApi(house, { days: [{ date, movements: good }] }),
    seenAs: ({ good }) => (good === 0 ? NOTHING_SEEN : `${good} rows of movements`),
  };
}

/** Switches faults and days of the freight API on. */
export async function tellApi(house: House, scenario: object): Promise<void> {
  const response = await fetch(`${house.freightUrl}/control`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(scenario),
  });
  if (!response.ok) throw new Error(await response.text());
}

/** A day in one file or in several; those that it had before are gone. */
async function putParts(
  house: House,
  dataset: string,
  date: string,
  [header = '', ...rows]: readonly string[],
  { parts }: Version,
): Promise<void> {
  await clearInbox(house, dataset);
  if (parts === 1) return house.put(dataset, `${date}.csv`, [header, ...rows]);
  const each = Math.ceil(rows.length / parts);
  for (let part = 1; part <= parts; part++) {
    const name = `${date}-${String(part).padStart(5, '0')}-of-${String(parts).padStart(5, '0')}.csv`;
    await house.put(dataset, name, [header, ...rows.slice((part - 1) * each, part * each)]);
  }
}

/** Takes all files of a dataset away. */
export async function clearInbox(house: House, dataset: string): Promise<void> {
  await rm(join(house.folder, 'inbox', dataset), { recursive: true, force: true });
}
