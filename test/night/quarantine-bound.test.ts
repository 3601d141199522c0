import { expect, test } from 'vitest';
import { shareHouse } from '../support/house.ts';

const house = shareHouse();
const HEADER = 'day,receipt,amount,note';
const BOUND = 100_000;

/** What `quarantine` has of a day, and what its attempt says that it rejected. */
async function figures(day: string) {
  const [kept] = await house().ask<{ rows: number }>(
    'select count(*)::int as rows from nighttrain.quarantine where business_date = $1',
    [day],
  );
  const [attempt] = await house().attempts('fares', day);
  return { state: attempt?.['state'], rejected: attempt?.['rejected'], kept: kept?.rows };
}

test('R5: parts that are sorted side by side share the bound of their night: 100,000 rejected rows are kept in the table', async () => {
  const day = '2024-08-01';
  const bad = Array.from({ length: 70_000 }, () => 'x');
  await house().put('fares', `${day}-00001-of-00002.csv`, [HEADER, ...bad]);
  await house().put('fares', `${day}-00002-of-00002.csv`, [HEADER, ...bad, 'y']);
  await house().run('fares', day);
  expect(await figures(day)).toEqual({ state: 'refused', rejected: 140_001, kept: BOUND });
});

test('R5: what SQL rejects shares the bound with what the intake has rejected', async () => {
  const day = '2024-08-02';
  const rows = (number: number, line: (row: number) => string) =>
    Array.from({ length: number }, (_, row) => line(row));
  await house().put('fares', `${day}.csv`, [
    HEADER,
    ...rows(60_000, (row) => `${day},${row},much,`),
    ...rows(60_000, (row) => `${day},${1_000_000 + (row % 30_000)},${row},`), // two amounts for each receipt, far apart
    ...rows(81_000, (row) => `${day},${2_000_000 + row},10,`),
  ]);
  await house().run('fares', day);
  expect(await figures(day)).toEqual({ state: 'refused', rejected: 120_000, kept: BOUND });
});
