import { expect, test } from 'vitest';
import { commitOnce } from '../../activities/commit-once.ts';
import { CommitNotFound } from '../../rules/errors.ts';
import { evictionBy } from '../../warehouse/evict.ts';
import { takeOverFence } from '../../warehouse/fence.ts';
import { ledgerOf } from '../../warehouse/ledger.ts';
import { fillFares, loadFares } from '../support/by-hand.ts';
import { endingOf, receiptOf } from '../support/ending.ts';
import { fareLines } from '../support/fares.ts';
import { shareHouse } from '../support/house.ts';
import { dayOf } from '../support/intake.ts';

const house = shareHouse();

const batches = (day: string) =>
  house().ask('select epoch from nighttrain.load_batch where business_date = $1', [day]);

test('R8: a COMMIT whose answer is lost is found in the ledger, and the night is not loaded again', async () => {
  const day = '2024-07-01';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 5 }));
  const cut = house().wire.cut('lose the answer');
  const ending = await house().run('fares', day);
  await cut;
  expect(receiptOf(ending)).toMatchObject({ epoch: 2, counts: { loaded: 5 } });
  expect(await batches(day)).toEqual([{ epoch: 2 }]);
});

test('R8: a COMMIT that never reached PostgreSQL is tried again from a new epoch', async () => {
  const day = '2024-07-02';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 5 }));
  const cut = house().wire.cut('lose the request');
  const ending = await house().run('fares', day);
  await cut;
  expect(receiptOf(ending)).toMatchObject({ epoch: 3, counts: { loaded: 5 } });
  expect(await batches(day)).toEqual([{ epoch: 3 }]);
});

test('R7: a transaction that an error had ended before COMMIT is not taken for a night', async () => {
  const day = { dataset: 'fares', businessDate: dayOf('2024-07-03') };
  const epoch = await takeOverFence(house().database, day, 'somebody');
  const loader = await house().open(house().loaderUrl, 'loader', 2);
  const identity = { ...day, epoch, loadId: '00000000-0000-4000-8000-000000000001' };
  const step = { signal: new AbortController().signal, log: house().log };
  const deps = { ledger: ledgerOf(loader), eviction: evictionBy(loader), loaderUrl: house().loaderUrl };
  const outcome = commitOnce(deps, identity, step, async (tx) => {
    await tx.query('select 1 / 0').catch(() => undefined); // swallowed: COMMIT will be answered with ROLLBACK
  });
  await expect(outcome).rejects.toBeInstanceOf(CommitNotFound);
});

test('R9: the same landing loaded again has the same content, and another landing of the same rows too', async () => {
  const day = '2024-07-04';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 50 }));
  const first = receiptOf(await house().run('fares', day));
  const again = receiptOf(await house().replay('fares', day));
  expect(again.contentSha256).toBe(first.contentSha256);
  expect(again.loadId).not.toBe(first.loadId);
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 50, amount: 7 }));
  expect(receiptOf(await house().replay('fares', day)).contentSha256).not.toBe(first.contentSha256);
});

test('R10: a replay replaces the day, and the version before stays readable in history', async () => {
  const day = '2024-07-05';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 3, amount: 1 }));
  const first = receiptOf(await house().run('fares', day));
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 2, amount: 9 }));
  const second = receiptOf(await house().replay('fares', day));
  const rows = (table: string) => house().ask(`select receipt, amount from ${table} order by 1`);
  expect(await rows(`warehouse.${second.tableName}`)).toEqual([
    { receipt: 1, amount: 9 },
    { receipt: 2, amount: 9 },
  ]);
  expect(await rows(`warehouse_history.${first.tableName}`)).toHaveLength(3);
  const reader = await house().open(house().readerUrl, 'reader');
  expect(await reader.query(`select sum(amount) as sum from warehouse_history.${first.tableName}`)).toEqual([
    { sum: 3 },
  ]);
});

test('R1, R10: a replay that is refused leaves the version before where it is', async () => {
  const day = '2024-07-06';
  await loadFares(house(), day, { rows: 4, amount: 1 });
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 1, bad: 9 }));
  expect(await house().replay('fares', day)).toMatchObject({ state: 'failed', error: { name: 'Refused' } });
  expect(
    await house().ask('select count(*) as rows from warehouse.fare where business_date = $1', [day]),
  ).toEqual([{ rows: 4 }]);
});

test('R6, R11: a load whose day is taken over while it stands before COMMIT ends as fenced, and says so', async () => {
  const day = '2024-07-07';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 5, amount: 1 }));
  const held = house().wire.hold('COMMIT');
  const zombie = await house().start('fares', day);
  const commit = await held;
  await using winner = await fillFares(house(), day, { rows: 2, amount: 2 });
  await winner.commit();
  expect(await commit.release()).toBe('ErrorResponse');
  expect(await endingOf(zombie)).toMatchObject({ state: 'failed', error: { name: 'Fenced' } });
  expect(await house().ask('select amount from warehouse.fare where business_date = $1', [day])).toEqual([
    { amount: 2 },
    { amount: 2 },
  ]);
});

test('R5: a load step that is tried again writes its rejected rows once', async () => {
  const day = '2024-07-08';
  await house().put('fares', `${day}.csv`, [
    ...fareLines(day, { good: 14, bad: 2 }),
    `${day},1,5,again`,
    `${day},20,1,`,
  ]);
  const cut = house().wire.cut('lose the request');
  const { counts, epoch } = receiptOf(await house().run('fares', day));
  await cut;
  expect({ counts, epoch }).toMatchObject({ epoch: 3, counts: { read: 18, rejected: 4, loaded: 14 } });
  const [attempt] = await house().attempts('fares', day);
  const kept = await house().quarantine('fares', day);
  expect(attempt).toMatchObject({ epoch: 1, loadEpoch: 3, rejected: 4 });
  // Of the try that failed too, by its own epoch: figures count the latest.
  expect(kept.filter((row) => row['epoch'] === 1 || row['epoch'] === 3)).toHaveLength(4);
});
