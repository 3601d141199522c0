import { expect, test } from 'vitest';
import { sqlStateOf } from '../../warehouse/failure.ts';
import { takeOverFence } from '../../warehouse/fence.ts';
import { fareRows, fillFares, ISOLATIONS, LoadByHand, loadFares } from '../support/by-hand.ts';
import { shareHouse } from '../support/house.ts';
import { dayOf } from '../support/intake.ts';

const house = shareHouse();

const rowsOf = async (day: string) =>
  (
    await house().ask<{ rows: number }>(
      'select count(*) as rows from warehouse.fare where business_date = $1',
      [day],
    )
  )[0]?.rows;

const refusedWith = (work: Promise<unknown>) =>
  work.then(
    () => 'it was done',
    (error: unknown) => sqlStateOf(error),
  );

test.each(ISOLATIONS)(
  'R6: at %s a load that woke up after the take-over of its day cannot commit',
  async (isolation) => {
    const day = `2024-06-0${ISOLATIONS.indexOf(isolation) + 1}`;
    await loadFares(house(), day, { rows: 2, amount: 1 });
    await using zombie = await fillFares(house(), day, { rows: 5, amount: 2, isolation });
    await takeOverFence(house().database, { dataset: 'fares', businessDate: dayOf(day) }, 'another run');
    expect(await refusedWith(zombie.commit())).toMatch(
      isolation === 'READ COMMITTED' ? /^NT001$/ : /^(NT001|40001)$/,
    );
    expect(await rowsOf(day)).toBe(2);
  },
);

test('R6: a COMMIT held on the wire is refused once its day is taken over and loaded by another', async () => {
  const day = '2024-06-04';
  await using zombie = await fillFares(house(), day, { rows: 5, amount: 1 });
  const held = house().wire.hold('COMMIT');
  const committed = refusedWith(zombie.commit());
  const commit = await held;
  await loadFares(house(), day, { rows: 3, amount: 2 });
  expect(await commit.release()).toBe('ErrorResponse');
  expect(await committed).toBe('NT001');
  expect(await rowsOf(day)).toBe(3);
});

test('R6: a take-over waits for a COMMIT that is being judged, and neither is lost', async () => {
  const day = '2024-06-05';
  await using load = await fillFares(house(), day, { rows: 5, amount: 1 });
  await load.tx.query('set constraints all immediate'); // judged now, and the fence is held from here on
  let taken = false;
  const takeOver = takeOverFence(
    house().database,
    { dataset: 'fares', businessDate: dayOf(day) },
    'late',
  ).then((epoch) => {
    taken = true;
    return epoch;
  });
  await expect
    .poll(() =>
      house().ask(
        `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      ),
    )
    .toHaveLength(1);
  expect(taken).toBe(false);
  await load.commit();
  expect(await takeOver).toBe(load.identity.epoch + 1);
  expect(await rowsOf(day)).toBe(5);
});

test('R2: the trigger has the last word, whatever limit the loader believes in', async () => {
  await using load = await LoadByHand.begin(house(), 'fares', '2024-06-06');
  await load.copyIn(fareRows('2024-06-06', 6, 1));
  await load.writeLedger({ read: 10, loaded: 6, rejected: 4 });
  expect(await refusedWith(load.commit())).toBe('NT002');
});

test('R2: exactly at the limit the trigger lets the night pass', async () => {
  const day = '2024-06-07';
  await using load = await LoadByHand.begin(house(), 'fares', day);
  await load.copyIn(fareRows(day, 7, 1));
  await load.writeLedger({ read: 15, loaded: 7, rejected: 3, discarded: 5 });
  await load.commit();
  expect(await rowsOf(day)).toBe(7);
});

test('R3: the trigger refuses an empty source, whatever the loader believes', async () => {
  await using load = await LoadByHand.begin(house(), 'fares', '2024-06-08');
  await load.copyIn([]);
  await load.writeLedger({ read: 5, discarded: 5 });
  expect(await refusedWith(load.commit())).toBe('NT003');
});

test('R4: counts that do not add up are no ledger row', async () => {
  await using load = await LoadByHand.begin(house(), 'fares', '2024-06-09');
  await load.copyIn(fareRows('2024-06-09', 6, 1));
  expect(await refusedWith(load.writeLedger({ read: 7, loaded: 6 }))).toBe('23514');
});

test('R6: a batch can publish no table but the one that was opened for it', async () => {
  await loadFares(house(), '2024-06-10', { rows: 2, amount: 1 });
  await using load = await LoadByHand.begin(house(), 'fares', '2024-06-11');
  await load.copyIn(fareRows('2024-06-11', 2, 1));
  Object.assign(load.table, { name: 'fare_20240610_2_1' });
  await load.writeLedger({ read: 2, loaded: 2 });
  expect(await refusedWith(load.commit())).toBe('NT004');
});
