import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { allRejected } from '../../activities/all-rejected.ts';
import { openLandingFolder } from '../../intake/landing-folder.ts';
import { loadRejectsKey, type RejectedRecord } from '../../intake/manifest.ts';
import { readRejects } from '../../intake/rejects.ts';
import { findAttempt } from '../../warehouse/attempts.ts';
import { receiptOf } from '../support/ending.ts';
import { shareHouse } from '../support/house.ts';
import { dayOf } from '../support/intake.ts';

const house = shareHouse();
const HEADER = 'ride,rider,payer';
const KNOWN = 20;

beforeAll(async () => {
  const clients = Array.from({ length: KNOWN }, (_, id) => `${id},Client ${id},Douala`);
  await house().put('clients', '2024-03-01.csv', ['id,name,city', ...clients]);
  receiptOf(await house().run('clients', '2024-03-01'));
});

/** Rides of the clients whom everybody knows, but for those that `changed` gives another line. */
const ridesOf = (rows: number, changed: (ride: number) => string | undefined) => [
  HEADER,
  ...Array.from({ length: rows }, (_, ride) => changed(ride) ?? `${ride},${ride % KNOWN},${ride % KNOWN}`),
];

test('R5: of rows on many pages those are rejected whose reference is unknown, and no others', async () => {
  const day = '2024-03-02';
  const lines = ridesOf(60_000, (ride) => {
    if (ride % 500 === 7) return `${ride},${KNOWN + ride},0`;
    if (ride % 500 === 8) return `${ride},0,${KNOWN + ride}`;
    if (ride % 500 === 9) return `${ride},${KNOWN + 1},${KNOWN + 2}`; // two of them in one row: it is named once
    return ride % 500 === 10 ? `${ride},,` : undefined; // refers to nobody
  });
  await house().put('rides', `${day}.csv`, lines);
  const { counts } = receiptOf(await house().run('rides', day));
  expect(counts).toEqual({ read: 60_000, loaded: 59_640, rejected: 360, discarded: 0, deduplicated: 0 });
  const kept = await house().quarantine('rides', day);
  expect(kept.map(({ raw }) => raw)).toEqual(
    lines.filter((_, line) => line > 0 && [7, 8, 9].includes((line - 1) % 500)),
  );
  expect(kept.slice(0, 3)).toMatchObject([
    { record: 8, column: 'rider', reason: `has '${KNOWN + 7}', which warehouse.client does not know` },
    { record: 9, column: 'payer', reason: 'has a value, which warehouse.client does not know' },
    { record: 10, column: 'rider', reason: `has '${KNOWN + 1}', which warehouse.client does not know` },
  ]);
  const unknown = 'select 1 from warehouse.ride where rider >= $1 or payer >= $1';
  expect(await house().ask(unknown, [KNOWN])).toEqual([]);
});

test('an orphan contradicts nobody: the row that shares its key is loaded', async () => {
  const day = '2024-03-03';
  const twice = [`1,${KNOWN + 1},0`, '2,2,2', '3,3,0'];
  await house().put('rides', `${day}.csv`, [...ridesOf(20, () => undefined), ...twice]);
  const { counts } = receiptOf(await house().run('rides', day));
  expect(counts).toEqual({ read: 23, loaded: 19, rejected: 3, discarded: 0, deduplicated: 1 });
  const kept = await house().quarantine('rides', day);
  expect(kept.map(({ raw, rule }) => [raw, rule])).toEqual([
    ['3,3,3', 'ambiguous-key'],
    [`1,${KNOWN + 1},0`, 'unknown-reference'],
    ['3,3,0', 'ambiguous-key'],
  ]);
  expect(
    await house().ask('select rider from warehouse.ride where business_date = $1 and ride = 1', [day]),
  ).toEqual([{ rider: 1 }]);
});

test('of tens of thousands of copies each is known, wherever it stands', async () => {
  const day = '2024-03-04';
  const once = ridesOf(30_000, () => undefined);
  const again = once.slice(1).filter((_, ride) => ride % 2 === 0);
  await house().put('rides', `${day}.csv`, [...once, ...again]);
  const { counts } = receiptOf(await house().run('rides', day));
  expect(counts).toEqual({ read: 45_000, loaded: 30_000, rejected: 0, discarded: 0, deduplicated: 15_000 });
});

test('R2, R5: orphans past the limit refuse the night; the table keeps the first of them, a file all', async () => {
  const day = '2024-03-05';
  const rows = 110_000; // quarantine's table takes 100,000
  await house().put(
    'rides',
    `${day}.csv`,
    ridesOf(rows, (ride) => `${ride},${KNOWN + ride},0`),
  );
  expect(await house().run('rides', day)).toMatchObject({ state: 'failed', error: { name: 'Refused' } });
  const [attempt] = await house().attempts('rides', day);
  expect(attempt).toMatchObject({
    state: 'refused',
    read: rows,
    loaded: 0,
    rejected: rows,
    rejectedByRule: { 'unknown-reference': rows },
  });
  expect(await house().quarantine('rides', day)).toHaveLength(100_000);
  const landing = openLandingFolder(join(house().folder, 'landing'));
  const row = await findAttempt(house().database, { dataset: 'rides', businessDate: dayOf(day), epoch: 1 });
  if (row?.loadEpoch == null) throw new Error('the night was judged by a load');
  const inFile = await readAll(readRejects(landing, loadRejectsKey(row, row.loadEpoch)));
  expect(inFile.map(({ record }) => record)).toEqual(Array.from({ length: rows }, (_, ride) => ride + 1));
  expect(await readAll(await allRejected(house().database, landing, row))).toEqual(inFile);
});

async function readAll(rows: AsyncIterable<RejectedRecord>): Promise<RejectedRecord[]> {
  const all: RejectedRecord[] = [];
  for await (const row of rows) all.push(row);
  return all;
}
