import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lookAt } from '../../cli/load-look.ts';
import { endingOf, receiptOf, type Ending } from '../support/ending.ts';
import { shareHouse, type House } from '../support/house.ts';
import { dayOf, until } from '../support/intake.ts';

/** Nights whose rows are sorted while they are copied, beside the same nights whose parts are staged first. */

const HEADER = 'day,receipt,amount,note\n';
const passed = shareHouse();
const staged = shareHouse();

/** As packed files, which are no small night, however little is in them. */
async function putPacked(day: string, parts: readonly string[], house = passed()): Promise<void> {
  for (const [name, content] of named(day, parts)) await house.put('fares', `${name}.gz`, gzipSync(content));
}

async function putPlain(day: string, parts: readonly string[], house = staged()): Promise<void> {
  for (const [name, content] of named(day, parts)) await house.put('fares', name, Buffer.from(content));
}

function named(day: string, parts: readonly string[]): [name: string, content: string][] {
  const number = (index: number) => String(index).padStart(5, '0');
  return parts.map((part, index) => [
    `${day}-${number(index + 1)}-of-${number(parts.length)}.csv`,
    `${HEADER}${part}`,
  ]);
}

/** What a night leaves behind, whichever way it went. */
async function leftOf(house: House, day: string, ending: Ending) {
  const [attempt] = await house.attempts('fares', day);
  const rows = await house.ask(
    'select * from warehouse.fare where business_date = $1 order by receipt, amount, note',
    [day],
  );
  if (ending.state !== 'loaded') return { state: ending.state, error: ending.error.name, rows };
  const { counts, contentSha256 } = ending.receipt;
  const kept = await house.quarantine('fares', day);
  const quarantine = inOrder(kept.map((row) => ({ ...row, epoch: 'any' })));
  return {
    counts,
    contentSha256,
    rejectedByRule: attempt?.['rejectedByRule'],
    rows,
    quarantine,
  };
}

const inOrder = (rows: readonly Record<string, unknown>[]) =>
  rows.toSorted((a, b) => Number(a['part']) - Number(b['part']) || Number(a['record']) - Number(b['record']));

/** Tables of a day's versions. */
async function tablesOf(day: string, house = passed()): Promise<string[]> {
  const rows = await house.ask<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'warehouse' and starts_with(tablename, $1)`,
    [`fare_${day.replaceAll('-', '')}_`],
  );
  return rows.map(({ name }) => name);
}

async function twiceKept(day: string): Promise<unknown[]> {
  return passed().ask(
    `select part, record from nighttrain.quarantine where business_date = $1
     group by part, record having count(*) > 1`,
    [day],
  );
}

const LONG = 'x'.repeat(180);
const weighed = <T>(...of: readonly [weight: number, value: T][]) =>
  fc.oneof(...of.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));

interface Draft {
  /** From the receipt before. */
  readonly step: number;
  /** Other than what a copy would say. */
  readonly says: number;
  /** `many` are more than a block of rows, each twice. */
  readonly form: 'plain' | 'quoted' | 'bad' | 'of another day' | 'many';
}

const part: fc.Arbitrary<Draft[]> = fc.array(
  fc.record({
    step: weighed([4, 0], [8, 1], [1, -1]),
    says: weighed([9, 0], [1, 1]),
    form: weighed<Draft['form']>(
      [30, 'plain'],
      [4, 'quoted'],
      [2, 'bad'],
      [2, 'of another day'],
      [1, 'many'],
    ),
  }),
  { minLength: 5, maxLength: 40, size: 'max' },
);

function partsOf(day: string, drafts: readonly (readonly Draft[])[]): string[] {
  let receipt = 0;
  let room = 2; // of 'many': a small night has a megabyte
  const row = (amount: number, note: string) => `${day},${receipt},${amount},${note}\n`;
  const line = ({ step, says, form }: Draft): string => {
    receipt += step;
    const amount = Math.abs(receipt % 5) + says;
    switch (form) {
      case 'quoted':
        return `"${day}","${receipt}","${amount}",\n`;
      case 'bad':
        return `${day},${receipt},much,\n`;
      case 'of another day':
        return `1999-12-31,${receipt},${amount},\n`;
      case 'many':
        if (room-- <= 0) return '';
        return Array.from({ length: 800 }, () => (receipt++, row(1, LONG).repeat(2))).join('');
      default:
        return row(amount, '');
    }
  };
  return drafts.map((lines) => lines.map(line).join(''));
}

test('R4, R9: a night comes to the same rows, counts, rejects and checksum, sorted on its way or staged before', async () => {
  let number = 0;
  const states = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 3 }), async (drafts) => {
      const day = new Date(Date.UTC(2001, 0, ++number)).toISOString().slice(0, 10);
      const parts = partsOf(day, drafts);
      await Promise.all([putPacked(day, parts), putPlain(day, parts)]);
      const [one, other] = await Promise.all([passed().run('fares', day), staged().run('fares', day)]);
      states.add(one.state);
      expect(await leftOf(passed(), day, one)).toEqual(await leftOf(staged(), day, other));
      expect(await twiceKept(day)).toEqual([]);
      expect(await tablesOf(day)).toHaveLength(one.state === 'loaded' ? 1 : 0);
    }),
    { numRuns: 15 },
  );
  expect(states).toContain('loaded');
});

/** So many sound rows, more than two blocks of them. */
const filler = (day: string, from: number, rows = 3_000) =>
  Array.from({ length: rows }, (_, row) => `${day},${from + row},1,${LONG}\n`).join('');

test('R5: a night whose receipts ascend no more once copies were judged is judged anew by SQL, and keeps nothing twice', async () => {
  const day = '2024-09-01';
  const lines = [
    `${day},1,1,\n${day},1,1,\n`, // a copy
    `${day},2,1,\n${day},2,2,\n`, // a contradiction
    `${day},3,much,\n`,
    filler(day, 1_000),
    `${day},1000,1,${LONG}\n`, // copies far from what they are copies of
    `${day},1001,7,\n`,
  ];
  await putPacked(day, [lines.join('')]);
  const { counts, tableName } = receiptOf(await passed().run('fares', day));
  expect(counts).toEqual({ read: 3_007, loaded: 3_000, rejected: 5, discarded: 0, deduplicated: 2 });
  expect(tableName).toMatch(/_3$/); // one that was given up, one with all rows, one without those that SQL has found
  expect(await tablesOf(day)).toEqual([tableName]);
  const kept = inOrder(await passed().quarantine('fares', day));
  expect(kept.map(({ record, rule }) => `${String(record)} ${String(rule)}`)).toEqual([
    '3 ambiguous-key',
    '4 ambiguous-key',
    '5 not-an-integer',
    '7 ambiguous-key',
    '3007 ambiguous-key',
  ]);
});

test('R2, R5: a night may be refused after such a turn; what it rejected is kept once', async () => {
  const day = '2024-09-02';
  const again = Array.from({ length: 2_000 }, (_, row) => `${day},${1_000 + row},2,\n`).join('');
  await putPacked(day, [`${day},2,1,\n${day},2,2,\n${day},3,much,\n${filler(day, 1_000)}${again}`]);
  expect(await passed().run('fares', day)).toMatchObject({ state: 'failed', error: { name: 'Refused' } });
  expect(await passed().attempts('fares', day)).toMatchObject([
    { state: 'refused', read: 5_003, rejected: 4_003, deduplicated: 0 },
  ]);
  expect(await passed().quarantine('fares', day)).toHaveLength(4_003);
  expect(await twiceKept(day)).toEqual([]);
  expect(await tablesOf(day)).toEqual([]);
});

test('R13: cancelled in mid-COPY it leaves neither a session nor a table', async () => {
  const day = '2024-09-03';
  await putPacked(day, [filler(day, 1, 9_000)]);
  const held = passed().wire.hold('ROWS', { nth: 3 });
  const handle = await passed().start('fares', day);
  await held;
  await handle.cancel();
  expect(await endingOf(handle)).toMatchObject({ state: 'cancelled' });
  expect(await passed().loadSessions()).toEqual([]);
  expect(await tablesOf(day)).toEqual([]);
});

test.each([
  ['cut off from PostgreSQL', '2024-09-04', 'cut'],
  ['ended by PostgreSQL', '2024-09-05', 'end'],
] as const)('R1: %s in mid-COPY it is loaded by the next try', async (_, day, how) => {
  await putPacked(day, [filler(day, 1, 9_000)]);
  const held = passed().wire.hold('ROWS', { nth: 3 });
  const handle = await passed().start('fares', day);
  const copying = await held;
  if (how === 'cut') copying.cut();
  else
    await passed().ask(
      'select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name = $1',
      [copying.application],
    );
  const { counts, tableName } = receiptOf(await endingOf(handle));
  expect(counts).toMatchObject({ read: 9_000, loaded: 9_000 });
  expect(await tablesOf(day)).toEqual([tableName]);
});

test('R1: what landed and was changed since is the error that the night ends with, and not a row of it is loaded', async () => {
  const day = '2024-09-06';
  await passed().put('fares', `${day}.csv`, Buffer.from(HEADER + filler(day, 1, 9_000)));
  const held = passed().wire.hold('OPEN');
  const handle = await passed().start('fares', day);
  const opening = await held;
  const landed = await open(join(passed().folder, `landing/fares/${day}/1/landed/part-00001.csv`), 'r+');
  await landed.write('y', 1_500_000); // of a note
  await landed.close();
  void opening.release();
  expect(await endingOf(handle)).toMatchObject({ state: 'failed', error: { name: 'LandingCorrupt' } });
  expect(await passed().attempts('fares', day)).toMatchObject([{ state: 'failed', loaded: null }]);
  expect(await tablesOf(day)).toEqual([]);
  await until(async () => (await passed().loadSessions()).length === 0);
});

test('whoever follows it is told how much has come, how fast it comes, and how long it will still take', async () => {
  const day = '2024-09-07';
  await putPacked(day, [filler(day, 1, 9_000)]);
  const held = passed().wire.hold('COPY');
  const handle = await passed().start('fares', day);
  const copied = await held;
  const { runId } = await handle.describe();
  const { client, database: warehouse } = passed();
  const load = { client, warehouse, day: { dataset: 'fares', businessDate: dayOf(day) }, runId };
  let look = await lookAt(load);
  await until(async () => (look = await lookAt(load)).rows === 9_000);
  expect(look).toMatchObject({ secondsLeft: 0, retries: [] });
  expect(look.rowsPerSecond).toBeGreaterThan(0);
  expect(look.bytes).toBeGreaterThan(0);
  expect(look.steps?.map(({ name, state }) => `${name} ${state}`)).toEqual([
    'take over done',
    'extract done',
    'load running',
  ]);
  await copied.release();
  expect(receiptOf(await endingOf(handle)).counts).toMatchObject({ loaded: 9_000 });
});
