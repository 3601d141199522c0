import { expect, test } from 'vitest';
import { receiptOf } from '../support/ending.ts';
import { openHouse, shareHouse } from '../support/house.ts';

const house = shareHouse();

test('of identical rows one is loaded and the others are counted as deduplicated', async () => {
  const day = '2024-03-01';
  const rows = ['1,10,', '2,20,twice', '2,20,twice', '2,20,twice', '3,30,'].map((row) => `${day},${row}`);
  await house().put('fares', `${day}.csv`, ['day,receipt,amount,note', ...rows]);
  expect(receiptOf(await house().run('fares', day)).counts).toEqual({
    read: 5,
    loaded: 3,
    rejected: 0,
    discarded: 0,
    deduplicated: 2,
  });
  expect(
    await house().ask(
      'select receipt, amount, note from warehouse.fare where business_date = $1 order by 1',
      [day],
    ),
  ).toEqual([
    { receipt: 1, amount: 10, note: null },
    { receipt: 2, amount: 20, note: 'twice' },
    { receipt: 3, amount: 30, note: null },
  ]);
});

test('R5: rows that contradict each other are all rejected, each kept as it came', async () => {
  const day = '2024-03-02';
  const sound = Array.from({ length: 10 }, (_, index) => `${day},${index + 10},1,`);
  await house().put('fares', `${day}.csv`, [
    'day,receipt,amount,note',
    `${day},1,10,"one,\nof two"`,
    ...sound,
    `${day},1,11,`,
  ]);
  expect(receiptOf(await house().run('fares', day)).counts).toMatchObject({
    read: 12,
    loaded: 10,
    rejected: 2,
  });
  expect(await house().quarantine('fares', day)).toMatchObject([
    { part: 1, record: 1, line: 2, rule: 'ambiguous-key', raw: `${day},1,10,"one,\nof two"` },
    { part: 1, record: 12, line: 14, rule: 'ambiguous-key', raw: `${day},1,11,` },
  ]);
  expect((await house().attempts('fares', day))[0]).toMatchObject({ rejectedByRule: { 'ambiguous-key': 2 } });
});

test('R2: contradictions count against the reject limit, and refuse the night when there are too many', async () => {
  const day = '2024-03-03';
  const rows = ['1,1,', '1,2,', '2,1,', '3,1,'].map((row) => `${day},${row}`);
  await house().put('fares', `${day}.csv`, ['day,receipt,amount,note', ...rows]);
  expect(await house().run('fares', day)).toMatchObject({ state: 'failed', error: { name: 'Refused' } });
  expect(await house().attempts('fares', day)).toMatchObject([{ state: 'refused', read: 4, rejected: 2 }]);
  expect(await house().quarantine('fares', day)).toHaveLength(2);
});

test('where the dataset says so, the latest of several states is loaded and the earlier ones are discarded', async () => {
  const day = '2024-03-04';
  await house().put('tickets', `${day}.csv`, [
    'ticket,changed,state',
    '1,1,sold',
    '1,3,used',
    '1,2,changed',
    '2,1,sold',
    '2,1,sold', // the same again
    ...[3, 4, 5, 6, 7, 8, 9].map((ticket) => `${ticket},1,sold`),
    '10,5,sold', // two latest states that contradict each other
    '10,5,lost',
    '10,4,sold',
  ]);
  expect(receiptOf(await house().run('tickets', day)).counts).toEqual({
    read: 15,
    loaded: 9,
    rejected: 2,
    discarded: 3,
    deduplicated: 1,
  });
  expect(
    await house().ask(`select state from warehouse.ticket where business_date = $1 and ticket = 1`, [day]),
  ).toEqual([{ state: 'used' }]);
  expect((await house().quarantine('tickets', day)).map(({ raw }) => raw)).toEqual([
    '10,5,sold',
    '10,5,lost',
  ]);
});

test('a key that comes twice in different parts is found across them', async () => {
  const day = '2024-03-05';
  const header = 'day,receipt,amount,note';
  const rows = (from: number) => Array.from({ length: 5 }, (_, index) => `${day},${from + index},1,`);
  await house().put('fares', `${day}-00001-of-00002.csv`, [header, ...rows(1)]);
  await house().put('fares', `${day}-00002-of-00002.csv`, [header, ...rows(4)]);
  expect(receiptOf(await house().run('fares', day)).counts).toMatchObject({
    read: 10,
    loaded: 8,
    deduplicated: 2,
  });
});

test('R5: a movement to a station that nobody knows is rejected by SQL, with its record as the API sent it', async () => {
  const day = '2024-03-06';
  const days = [{ date: day, movements: 400, unknownStations: 3 }];
  await using railway = await openHouse({ freightApi: { days } });
  await railway.startWorker();
  expect(await railway.run('stations', day)).toMatchObject({
    state: 'loaded',
    receipt: { counts: { loaded: 40 } },
  });
  expect(receiptOf(await railway.run('freight-movements', day)).counts).toMatchObject({
    read: 400,
    loaded: 397,
    rejected: 3,
  });
  const kept = await railway.quarantine('freight-movements', day);
  expect(kept.map(({ record, column, rule }) => ({ record, column, rule }))).toEqual(
    [1, 2, 3].map((record) => ({ record, column: 'destination', rule: 'unknown-reference' })),
  );
  expect(JSON.parse(kept[0]?.['raw'] as string)).toMatchObject({ destination: 'ZZ999', business_day: day });
});
