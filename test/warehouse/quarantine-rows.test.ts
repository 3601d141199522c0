import { expect, test } from 'vitest';
import type { DataSource } from 'typeorm';
import { keepRejected } from '../../warehouse/quarantine.ts';
import { readQuarantine } from '../../warehouse/quarantine-rows.ts';
import { shareHouse } from '../support/house.ts';
import { dayOf } from '../support/intake.ts';

const house = shareHouse({ verified: false }); // rows of no attempt

test('R14: rejected rows are read a hundred at a time, in their order, for each may be a megabyte', async () => {
  const warehouse = await house().open(house().loaderUrl, 'quarantine');
  const day = { dataset: 'fares', businessDate: dayOf('2024-12-21') };
  const row = { line: null, column: null, rule: 'no-amount', reason: 'x', raw: 'x' };
  const rows = Array.from({ length: 250 }, (_, index) => ({ ...row, part: 1 + (index >> 7), record: index }));
  await keepRejected(warehouse, day, { attempt: 1, own: 1 }, rows);
  const answers: number[] = [];
  const observed = {
    query: async (...of: Parameters<DataSource['query']>) => {
      const answer = await warehouse.query<unknown[]>(...of);
      answers.push(answer.length);
      return answer;
    },
  } as DataSource;
  const read = [];
  for await (const one of readQuarantine(observed, { ...day, epoch: 1, loadEpoch: null })) read.push(one);
  expect(read).toEqual(rows);
  expect(answers).toEqual([100, 100, 50]);
});

test('rows of the attempt and of its load come together, each once', async () => {
  const warehouse = await house().open(house().loaderUrl, 'quarantine');
  const day = { dataset: 'fares', businessDate: dayOf('2024-12-22') };
  const row = { part: 1, line: null, column: null, reason: 'x', raw: 'x' };
  await keepRejected(
    warehouse,
    day,
    { attempt: 1, own: 1 },
    [1, 3].map((record) => ({ ...row, record, rule: 'a' })),
  );
  await keepRejected(
    warehouse,
    day,
    { attempt: 1, own: 2 },
    [2, 4].map((record) => ({ ...row, record, rule: 'b' })),
  );
  const recordsOf = async (loadEpoch: number, rule?: string) => {
    const records = [];
    for await (const { record } of readQuarantine(warehouse, { ...day, epoch: 1, loadEpoch }, { rule }))
      records.push(record);
    return records;
  };
  expect(await recordsOf(2)).toEqual([1, 2, 3, 4]);
  expect(await recordsOf(2, 'b')).toEqual([2, 4]);
  expect(await recordsOf(1)).toEqual([1, 3]);
});
