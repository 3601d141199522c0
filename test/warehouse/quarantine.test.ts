import { expect, test } from 'vitest';
import { sqlStateOf } from '../../warehouse/failure.ts';
import { readQuarantine } from '../../warehouse/quarantine-rows.ts';
import { keepRejected, Quarantine, type Quarantined } from '../../warehouse/quarantine.ts';
import type { DatasetDay } from '../../rules/dataset-day.ts';
import { shareHouse } from '../support/house.ts';
import { dayOf } from '../support/intake.ts';

const house = shareHouse({ verified: false }); // rows of no attempt
const EPOCHS = { attempt: 1, own: 1 };
const BOUND = 100_000;

const day = (date: string): DatasetDay => ({ dataset: 'fares', businessDate: dayOf(date) });
const row = (record: number, more: Partial<Quarantined> = {}): Quarantined => ({
  part: 1,
  record,
  line: null,
  column: 'amount',
  rule: 'no-number',
  reason: 'is no number',
  raw: `row ${record}`,
  ...more,
});
const rows = (from: number, to: number, more: Partial<Quarantined> = {}) =>
  Array.from({ length: to - from }, (_, index) => row(from + index, more));
const open = () => house().open(house().loaderUrl, 'quarantine');

async function kept({ dataset, businessDate }: DatasetDay) {
  const of = { dataset, businessDate, epoch: 1, loadEpoch: null };
  const found: Quarantined[] = [];
  for await (const one of readQuarantine(house().database, of)) found.push(one);
  return found;
}

/** Rows, records, the first of them and the last. */
async function figures({ businessDate }: DatasetDay) {
  const [found] = await house().ask(
    `select count(*)::int as rows, count(distinct (part, record))::int as records, min(record)::int as first,
       max(record)::int as last
     from nighttrain.quarantine where business_date = $1`,
    [businessDate],
  );
  return found;
}

test('a rejected row is kept as it came, but for what PostgreSQL takes in no text', async () => {
  const of = day('2024-12-01');
  const texts = [
    '',
    'ä€😀',
    'tab\tand\\',
    '"{a,b}"',
    'NULL',
    'a\0b',
    'half \ud83d',
    'x'.repeat(159),
    'é'.repeat(9_999),
  ];
  const rejected = texts.map((text, index) =>
    row(index + 1, { raw: text, reason: text, rule: text, column: text, line: 2 ** 53 - 1 - index }),
  );
  rejected.push(
    row(2 ** 31, { part: 2, column: null, raw: 'x'.repeat(3_000_000) }),
    row(2 ** 53 - 1, { part: 2 }),
  );
  await keepRejected(await open(), of, EPOCHS, rejected);
  const storable = (text: string) => text.replace('\0', '␀').replace(/\ud83d$/, '\ufffd');
  const expected = rejected.map(({ rule, column, reason, raw, ...place }) => ({
    ...place,
    rule: storable(rule),
    column: column === null ? null : storable(column),
    reason: storable(reason),
    raw: storable(raw),
  }));
  expect(await kept(of)).toEqual(expected);
});

test('R5: a step that is tried again writes what it wrote, and each row is kept once', async () => {
  const of = day('2024-12-02');
  const warehouse = await open();
  await keepRejected(warehouse, of, EPOCHS, rows(100, 30_100));
  await keepRejected(warehouse, of, EPOCHS, rows(100, 30_100));
  expect(await figures(of)).toEqual({ rows: 30_000, records: 30_000, first: 100, last: 30_099 });
  await keepRejected(warehouse, of, EPOCHS, rows(1, 60_001)); // among them, before them and behind them
  expect(await figures(of)).toEqual({ rows: 60_000, records: 60_000, first: 1, last: 60_000 });
});

test('R5: a row that comes twice is kept once, in whatever order', async () => {
  const of = day('2024-12-03');
  const rejected = [row(5), row(5), row(5, { rule: 'no-date' }), row(3), row(5), row(3, { part: 2 }), row(4)];
  await keepRejected(await open(), of, EPOCHS, rejected);
  const places = (await kept(of)).map(({ part, record, rule }) => [part, record, rule]);
  const once = [3, 4, 5].map((record) => [1, record, 'no-number']);
  expect(places).toEqual([...once.slice(0, 2), [1, 5, 'no-date'], once[2], [2, 3, 'no-number']]);
  const neighbours = day('2024-12-11');
  await keepRejected(await open(), neighbours, EPOCHS, [row(1), row(1), row(2)]);
  expect(await kept(neighbours)).toEqual([row(1), row(2)]);
});

test('R5: where not all get in, the first by their records do', async () => {
  const of = day('2024-12-04');
  const warehouse = await open();
  await keepRejected(warehouse, of, EPOCHS, rows(1, BOUND - 2));
  const last = [9, 5, 8, 6, 7].map((record) => row(BOUND + record, { part: 2 }));
  await keepRejected(warehouse, of, EPOCHS, last);
  const second = await house().ask<{ record: number }>(
    'select record from nighttrain.quarantine where business_date = $1 and part = 2 order by record',
    [of.businessDate],
  );
  expect(second.map(({ record }) => record - BOUND)).toEqual([5, 6, 7]);
});

test('R5: parts that are kept side by side share what is left of the bound, whatever each has counted', async () => {
  const of = day('2024-12-05');
  const parts = [31_003, 47_001, 60_007].map(async (last, part) =>
    keepRejected(await open(), of, EPOCHS, rows(1, last, { part })),
  );
  await Promise.all(parts);
  expect(await figures(of)).toMatchObject({ rows: BOUND, records: BOUND });
});

test('R5: the row that fills it is the last that is asked for', async () => {
  const of = day('2024-12-06');
  const warehouse = await open();
  await keepRejected(warehouse, of, EPOCHS, rows(0, 7));
  const quarantine = new Quarantine(warehouse, of, EPOCHS);
  for (const one of rows(7, BOUND + 3)) await quarantine.keep(one);
  await quarantine.end();
  expect(quarantine.isFull).toBe(true);
  expect(await figures(of)).toEqual({ rows: BOUND, records: BOUND, first: 0, last: BOUND - 1 });
});

test('rows that come while others are being written wait for those, and are kept with whoever ends it first', async () => {
  const of = day('2024-12-07');
  const standing = house().wire.hold('COMMIT', { from: 'slow' });
  const quarantine = new Quarantine(await house().open(house().loaderUrl, 'slow'), of, EPOCHS);
  for (const one of rows(0, 10)) await quarantine.keep(one);
  const ends = [quarantine.end()];
  const held = await standing;
  for (const one of rows(10, 20)) await quarantine.keep(one);
  ends.push(quarantine.end(), quarantine.end());
  for (const one of rows(20, 30)) await quarantine.keep(one);
  await held.release();
  await Promise.all(ends);
  await quarantine.end();
  expect(await kept(of)).toEqual(rows(0, 30));
});

test('R14: at most 25,000 rows or some four megabytes are written at once', async () => {
  const statements = async (of: DatasetDay, rejected: readonly Quarantined[]) => {
    await keepRejected(await open(), of, EPOCHS, rejected);
    return house().ask(
      `select count(*)::int as rows from nighttrain.quarantine where business_date = $1
       group by xmin order by min(record)`,
      [of.businessDate],
    );
  };
  expect(await statements(day('2024-12-08'), rows(0, 60_000))).toEqual([
    { rows: 25_000 },
    { rows: 25_000 },
    { rows: 10_000 },
  ]);
  const large = rows(0, 10, { raw: 'ü'.repeat(500_000) });
  expect(await statements(day('2024-12-09'), large)).toEqual([{ rows: 5 }, { rows: 5 }]);
});

test('R14: a worker that is frozen while it keeps rejected rows holds up whoever comes after it for seconds', async () => {
  const of = day('2024-12-10');
  const standing = house().wire.hold('COMMIT', { from: 'frozen' });
  const warehouse = await house().open(house().loaderUrl, 'frozen');
  const frozen = keepRejected(warehouse, of, EPOCHS, rows(0, 3)).catch(sqlStateOf);
  const held = await standing;
  await keepRejected(await open(), of, EPOCHS, rows(0, 3));
  held.cut();
  expect(await frozen).toBe('25P03'); // idle_in_transaction_session_timeout
  expect(await kept(of)).toEqual(rows(0, 3));
});
