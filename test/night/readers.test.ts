import { expect, test } from 'vitest';
import { fareRows, fillFares, ISOLATIONS, LoadByHand, loadFares } from '../support/by-hand.ts';
import { endingOf } from '../support/ending.ts';
import { fareLines } from '../support/fares.ts';
import { shareHouse } from '../support/house.ts';
import { until } from '../support/intake.ts';
import { Readers } from '../support/readers.ts';

const house = shareHouse();

test('R1: readers at every isolation level, old snapshots too, see only whole versions while a day is loaded and replayed', async () => {
  const day = '2024-04-01';
  await using readers = await Readers.watch(house(), day);
  await readers.lookOn();
  for (const [good, amount] of [
    [300, 1],
    [200, 2],
    [250, 3],
  ] as const) {
    await house().put('fares', `${day}.csv`, fareLines(day, { good, amount }));
    const ending = amount === 1 ? await house().run('fares', day) : await house().replay('fares', day);
    expect(ending).toMatchObject({ state: 'loaded', receipt: { counts: { loaded: good } } });
    await readers.lookOn();
  }
  await readers.stop();
  expect([...readers.seen].sort()).toEqual([
    '0 rows of nothing',
    '200 rows of 2',
    '250 rows of 3',
    '300 rows of 1',
  ]);
});

test('R1, R11: a load that is frozen just before COMMIT holds up no reader, no other day and no other dataset', async () => {
  const day = '2024-04-02';
  await loadFares(house(), day, { rows: 5, amount: 1 });
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 7, amount: 2 }));
  await house().put('fares', '2024-04-03.csv', fareLines('2024-04-03', { good: 3 }));
  await house().put('tickets', `${day}.csv`, ['ticket,changed,state', '1,1,sold']);

  await using readers = await Readers.watch(house(), day);
  const commit = house().wire.hold('COMMIT');
  const replay = await house().start('fares', day, 'replay');
  const frozen = await commit; // sent, and not yet at PostgreSQL
  await readers.lookOn();
  expect([...readers.seen]).toEqual(['5 rows of 1']);
  expect(await house().run('fares', '2024-04-03')).toMatchObject({ state: 'loaded' });
  expect(await house().run('tickets', day)).toMatchObject({ state: 'loaded' });
  await readers.lookOn();
  expect([...readers.seen]).toEqual(['5 rows of 1']);

  expect(await frozen.release()).toBe('CommandComplete');
  expect(await endingOf(replay)).toMatchObject({ state: 'loaded', receipt: { counts: { loaded: 7 } } });
  await readers.lookOn();
  await readers.stop();
  expect([...readers.seen].sort()).toEqual(['5 rows of 1', '7 rows of 2']);
});

test('R11: a load that is frozen with its rows copied holds up no replay of another day, nor do two replays each other', async () => {
  for (const day of ['2024-04-07', '2024-04-08']) await loadFares(house(), day, { rows: 3, amount: 1 });
  await using frozen = await LoadByHand.begin(house(), 'fares', '2024-04-06');
  await frozen.copyIn(fareRows('2024-04-06', 5, 1));
  await using one = await fillFares(house(), '2024-04-07', { rows: 4, amount: 2 });
  await using other = await fillFares(house(), '2024-04-08', { rows: 4, amount: 2 });
  const commits = Promise.all([one.commit(), other.commit()]); // neither waits five seconds for a lock in vain
  expect(await commits).toHaveLength(2);
});

test.each(ISOLATIONS)(
  'R1: a day loaded at %s appears at once and whole, also to snapshots older than it',
  async (isolation) => {
    const day = `2024-05-0${ISOLATIONS.indexOf(isolation) + 1}`;
    await using readers = await Readers.watch(house(), day);
    await using load = await fillFares(house(), day, { rows: 400, amount: 1, isolation });
    await readers.lookOn();
    expect([...readers.seen]).toEqual(['0 rows of nothing']);
    await load.commit();
    await readers.lookOn();
    await readers.stop();
    expect([...readers.seen].sort()).toEqual(['0 rows of nothing', '400 rows of 1']);
  },
);

test('a replay that waits in vain for a reader names it, and loads once the reader has let go', async () => {
  const day = '2024-04-05';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 3, amount: 1 }));
  await house().run('fares', day);
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 4, amount: 2 }));

  const analyst = await house().open(house().readerUrl, 'analyst with a long lunch');
  const transaction = analyst.createQueryRunner();
  await transaction.startTransaction();
  await transaction.query('select count(*) from warehouse.fare');
  const replayed = house().replay('fares', day);
  const complaint = /warehouse\.fare was in use for too long.*analyst with a long lunch/s;
  await until(() => Promise.resolve(house().lines.some((line) => complaint.test(line))), 20_000);
  await transaction.rollbackTransaction();
  await transaction.release();

  expect(await replayed).toMatchObject({ state: 'loaded', receipt: { counts: { loaded: 4 } } });
});
