import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BusinessDate } from '../rules/business-date.ts';
import { withServer } from './copy.ts';
import type { BenchHouse } from './house.ts';

/** A merge of many rows: all of them new, none changed, one in a hundred changed. */
export interface MergeFigures {
  readonly rows: number;
  readonly newSeconds: number;
  /** Nothing to write: what it takes to read, validate and compare. */
  readonly unchangedSeconds: number;
  readonly unchangedWalMB: number;
  readonly changedSeconds: number;
  readonly changedWalMB: number;
}

const CUSTOMERS = 'bank-customers';
const ONE_IN = 100;

/**
 * Merges the same customers on three days, without a checkpoint between them: a page's first change after one writes all of
 * it, whoever changes it (docs/guides/postgres.md).
 */
export async function measureMerge(house: BenchHouse, rows: number): Promise<MergeFigures> {
  const fresh = await merged(house, '2019-01-01' as BusinessDate, rows, 0);
  const unchanged = await merged(house, '2019-01-02' as BusinessDate, rows, 0);
  const changed = await merged(house, '2019-01-03' as BusinessDate, rows, 1);
  return {
    rows,
    newSeconds: fresh.seconds,
    unchangedSeconds: unchanged.seconds,
    unchangedWalMB: unchanged.walMB,
    changedSeconds: changed.seconds,
    changedWalMB: changed.walMB,
  };
}

/** @param version of the rows that change */
async function merged(house: BenchHouse, businessDate: BusinessDate, rows: number, version: number) {
  const folder = join(house.inbox, CUSTOMERS);
  await mkdir(folder, { recursive: true });
  const lines = Readable.from(customers(rows, version), { objectMode: false });
  await pipeline(lines, createWriteStream(join(folder, `${businessDate}.csv`)));
  const before = await walPosition(house);
  const { ms } = await house.load({ dataset: CUSTOMERS, businessDate });
  return { seconds: ms / 1000, walMB: ((await walPosition(house)) - before) / 1e6 };
}

const LINES_AT_ONCE = 10_000;

function* customers(rows: number, version: number): Generator<string> {
  yield 'customer_id,name,born,country,since\n';
  for (let from = 0; from < rows; from += LINES_AT_ONCE) {
    let lines = '';
    for (let id = from; id < Math.min(from + LINES_AT_ONCE, rows); id++)
      lines += `${id},Client ${id}.${id % ONE_IN === 0 ? version : 0},1980-05-17,FR,2001-09-03\n`;
    yield lines;
  }
}

/** Bytes of WAL that were ever written. */
function walPosition({ databaseUrl }: BenchHouse): Promise<number> {
  return withServer(databaseUrl, async (client) => {
    const { rows } = await client.query<{ bytes: string }>(
      `select pg_current_wal_insert_lsn() - '0/0'::pg_lsn as bytes`,
    );
    return Number(rows[0]?.bytes);
  });
}
