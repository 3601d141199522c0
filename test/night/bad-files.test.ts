import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { receiptOf } from '../support/ending.ts';
import { shareHouse } from '../support/house.ts';

const house = shareHouse();
const HEADER = 'day,receipt,amount,note';

/** So many sound fares, their receipts from `from` on. */
const rows = (day: string, from: number, number = 5) =>
  Array.from({ length: number }, (_, index) => `${day},${from + index},10,paid`);

const lines = (...all: string[]) => Buffer.from(`${all.join('\n')}\n`);

/** The day's parts as they were sent, each under its name. */
async function send(day: string, of: number, parts: Readonly<Record<number, Uint8Array>>): Promise<void> {
  const five = (number: number) => String(number).padStart(5, '0');
  for (const [part, content] of Object.entries(parts))
    await house().put('fares', `${day}-${five(Number(part))}-of-${five(of)}.csv`, content);
}

test.each([
  {
    what: 'a part that is cut in the middle of a row',
    day: '2024-07-01',
    second: (day: string) => Buffer.from(`${HEADER}\n${rows(day, 6).join('\n')}\n${day},11`),
    error: { name: 'SourceBroken', detail: /line 7: it has 2 fields, the header has 4/ },
  },
  {
    what: 'a part that was sent twice',
    day: '2024-07-02',
    second: (day: string) => lines(HEADER, ...rows(day, 1)),
    error: { name: 'SourceBroken', detail: /00001-of-00002\.csv and .*00002-of-00002\.csv: sha256/ },
  },
  {
    what: 'a part whose header lacks a column',
    day: '2024-07-03',
    second: (day: string) => lines('day,receipt,note', `${day},6,paid`),
    error: { name: 'SourceContractBroken', detail: /part-00002\.csv, line 1: day, receipt, note/ },
  },
  {
    what: 'a part with a column of its own',
    day: '2024-07-04',
    second: (day: string) => lines(`${HEADER},till`, `${day},6,10,paid,3`),
    error: { name: 'SourceContractBroken', detail: /line 1: .*till/ },
  },
  {
    what: 'a part without its header',
    day: '2024-07-05',
    second: (day: string) => lines(...rows(day, 6)),
    error: { name: 'SourceContractBroken', detail: /part-00002\.csv, line 1/ },
  },
  {
    what: 'an empty part',
    day: '2024-07-06',
    second: () => Buffer.alloc(0),
    error: { name: 'SourceContractBroken', detail: /part-00002\.csv/ },
  },
  {
    what: 'a part that is missing',
    day: '2024-07-07',
    second: undefined,
    error: { name: 'SourceNotReady', detail: /2024-07-07-00002-of-00002\.csv/ },
  },
])('$what fails the night by name, and nothing of it is loaded', async ({ day, second, error }) => {
  await send(day, 2, { 1: lines(HEADER, ...rows(day, 1)), ...(second && { 2: second(day) }) });
  const ending = await house().run('fares', day);
  expect(ending).toMatchObject({
    state: 'failed',
    error: { name: error.name, detail: expect.stringMatching(error.detail) as unknown },
  });
  expect(await house().ask('select 1 from warehouse.fare where business_date = $1', [day])).toEqual([]);
  expect(await house().attempts('fares', day)).toMatchObject([{ state: 'failed', loadId: null }]);
  const files = await readdir(join(house().folder, 'landing'), { recursive: true });
  const left = files.filter((name) => name.includes(day) && name.includes('staged/part-00002'));
  expect(left, 'of the part that could not be read').toEqual([]);
});

test('parts with their columns in different orders are one night', async () => {
  const day = '2024-07-08';
  await send(day, 2, {
    1: lines(HEADER, ...rows(day, 1)),
    2: lines('note,amount,receipt,day', `paid,10,6,${day}`),
  });
  expect(receiptOf(await house().run('fares', day)).counts).toMatchObject({
    read: 6,
    loaded: 6,
    rejected: 0,
  });
});

test('a part that was sent twice, packed the second time, is counted as copies', async () => {
  const day = '2024-07-09';
  const part = lines(HEADER, ...rows(day, 1));
  await house().put('fares', `${day}-00001-of-00002.csv`, part);
  await house().put('fares', `${day}-00002-of-00002.csv.gz`, gzipSync(part));
  expect(receiptOf(await house().run('fares', day)).counts).toMatchObject({
    read: 10,
    loaded: 5,
    deduplicated: 5,
  });
});
