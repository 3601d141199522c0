import { once } from 'node:events';
import type { PoolClient } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { expect, test } from 'vitest';
import { WarehouseUnavailable } from '../../rules/errors.ts';
import { sqlStateOf } from '../../warehouse/failure.ts';
import { foldableMonths, isFoldOvertaken } from '../../warehouse/fold.ts';
import { ask, readQuestions } from '../../warehouse/emergency.ts';
import { ISOLATIONS, fareRows, fillFares, LoadByHand, loadFares } from '../support/by-hand.ts';
import { faresOf, firstOf, foldFares, partsOf, unfoldFares } from '../support/fold.ts';
import { openHouse, shareHouse } from '../support/house.ts';
import { matching, until } from '../support/intake.ts';
import { Readers } from '../support/readers.ts';

/** R1, R6, R10, R11: months of days become one table each, and days again, by hand and step by step. */

const house = shareHouse();

/** Days of a month of `fares`, the nth with n rows of amount n. */
async function loadDays(month: string, days: readonly number[]): Promise<void> {
  for (const day of days) await loadFares(house(), dateIn(month, day), { rows: day, amount: day });
}

const dateIn = (month: string, day: number) => `${month}-${String(day).padStart(2, '0')}`;

/** What a piece of work failed with. */
const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'it was done',
    (error: unknown) => error,
  );

const damaged = async (date: string) => {
  const question = (await readQuestions()).get('damaged-day');
  if (!question) throw new Error('the toolkit has no damaged-day');
  return (await ask(house().database, question, { dataset: 'fares', date })).rows;
};

test('a month that is folded lies in one table and says what its days said, each proved row by row; unfolded, its days are where the ledger says', async () => {
  const month = '2023-01';
  await loadDays(month, [1, 2, 7, 31]);
  const before = { rows: await faresOf(house(), month), parts: await partsOf(house(), month) };
  expect(before.parts).toHaveLength(4);

  expect(await foldFares(house(), month)).toMatchObject({ days: 4, rows: 41 });
  expect(await faresOf(house(), month)).toEqual(before.rows);
  expect(await partsOf(house(), month)).toEqual([
    { name: matching(/^warehouse\.fare_202301_m\d+$/), days: 4 },
  ]);
  const proofs = await house().ask(
    `select extract(day from business_date)::int as day, d.rows from nighttrain.fold_day d
     where business_date between '2023-01-01' and '2023-01-31' order by 1`,
  );
  expect(proofs).toEqual([1, 2, 7, 31].map((day) => ({ day, rows: day })));
  expect(await damaged(dateIn(month, 7))).toEqual([]);
  expect(await house().ask(`select * from nighttrain.missing_guards()`)).toEqual([]);

  expect(await unfoldFares(house(), month)).toMatchObject({ days: 4, rows: 41 });
  expect(await faresOf(house(), month)).toEqual(before.rows);
  expect(await partsOf(house(), month)).toEqual(before.parts);
});

test('a day that arrives in a folded month has a table of its own until the next fold', async () => {
  const month = '2023-02';
  await loadDays(month, [1, 2]);
  await foldFares(house(), month);
  await loadDays(month, [3]);
  expect(await partsOf(house(), month)).toMatchObject([{ days: 2 }, { days: 1 }]);
  await foldFares(house(), month);
  expect(await partsOf(house(), month)).toMatchObject([{ days: 3 }]);
  expect(await faresOf(house(), month)).toHaveLength(6);
});

test('R1: readers at every isolation level, old snapshots too, see the whole day while its month is folded and unfolded', async () => {
  const month = '2023-03';
  await loadDays(month, [3, 4]);
  await using readers = await Readers.watch(house(), '2023-03-04');
  await readers.lookOn();
  for (const work of [foldFares, unfoldFares, foldFares]) {
    await untilDone(() => work(house(), month));
    await readers.lookOn();
  }
  await readers.stop();
  expect([...readers.seen]).toEqual(['4 rows of 4']);
});

/** Readers that look again and again may keep a fold out for its second. */
async function untilDone(work: () => Promise<unknown>): Promise<void> {
  await until(async () => {
    const failure = await failureOf(work());
    if (failure === 'it was done') return true;
    expect(sqlStateOf((failure as Error).cause)).toBe('55P03');
    return false;
  }, 30_000);
}

test.each(ISOLATIONS)(
  'R1: an undated reader at %s whose snapshot is older than a fold sees all rows of the month',
  async (isolation) => {
    const month = `2023-1${ISOLATIONS.indexOf(isolation)}`;
    await loadDays(month, [1, 2, 3]);
    const reader = (await house().open(house().readerUrl, 'old reader')).createQueryRunner();
    await reader.startTransaction(isolation);
    await reader.query('select from nighttrain.load_batch'); // the snapshot; no lock that a fold would wait for
    await foldFares(house(), month);
    const count = `select count(*) as rows, sum(amount) as amounts from warehouse.fare where day >= $1 and day < $1::date + 31`;
    expect(await reader.query(count, [firstOf(month)])).toEqual([{ rows: 6, amounts: 14 }]);
    await reader.commitTransaction();
    await reader.release();
  },
);

test('R6, R11: a day that is published while a fold stands before COMMIT wins, and is held up by nobody; the fold gives way', async () => {
  const month = '2023-04';
  await loadDays(month, [1, 2, 3]);
  const held = house().wire.hold('COMMIT', { from: 'nighttrain fold' });
  const folded = failureOf(foldFares(house(), month));
  const commit = await held;
  await loadFares(house(), dateIn(month, 2), { rows: 9, amount: 99 });
  expect(await commit.release()).toBe('ErrorResponse');
  expect(isFoldOvertaken(await folded)).toBe(true);
  expect(await partsOf(house(), month)).toHaveLength(3);
  expect((await faresOf(house(), month)).filter(({ amount }) => amount === 99)).toHaveLength(9);

  await foldFares(house(), month);
  expect((await faresOf(house(), month)).filter(({ amount }) => amount === 99)).toHaveLength(9);
});

test.each(ISOLATIONS)(
  'R6, R11: at %s a load whose day was folded after it looked is told to look again, and changes nothing',
  async (isolation) => {
    const month = `2022-0${ISOLATIONS.indexOf(isolation) + 1}`;
    await loadDays(month, [1, 2]);
    await using load = await fillFares(house(), dateIn(month, 2), { rows: 9, amount: 99, isolation });
    await foldFares(house(), month);
    expect(sqlStateOf(await failureOf(load.commit()))).toBe('40001');
    expect(await faresOf(house(), month)).toHaveLength(3);
    expect(await partsOf(house(), month)).toHaveLength(1);
  },
);

test('of two folds of one month the later ends the earlier, which may be frozen, and nothing of that is left', async () => {
  const month = '2023-05';
  await loadDays(month, [1, 2]);
  const held = house().wire.hold('COMMIT', { from: 'nighttrain fold' });
  const slow = failureOf(foldFares(house(), month));
  const commit = await held;
  await foldFares(house(), month);
  const parts = await partsOf(house(), month);
  const left = `select from pg_stat_activity where application_name = 'nighttrain fold fares ${month}'`;
  await expect.poll(() => house().ask(left)).toEqual([]);
  expect(await commit.release()).not.toBe('CommandComplete');
  expect(await slow).toBeInstanceOf(WarehouseUnavailable);
  expect(await partsOf(house(), month)).toEqual(parts);
});

test('a fold whose day is being loaded by the time of its COMMIT gives way', async () => {
  const month = '2023-06';
  await loadDays(month, [1, 2]);
  const held = house().wire.hold('COMMIT', { from: 'nighttrain fold' });
  const folded = failureOf(foldFares(house(), month));
  const commit = await held;
  const attempt = `(dataset, business_date) = ('fares', '2023-06-02')`;
  await house().ask(
    `insert into nighttrain.attempt (dataset, business_date, epoch, owner_run_id, workflow_id, kind)
     values ('fares', '2023-06-02', 3, 'somebody', 'load/fares/2023-06-02', 'replay')`,
  );
  expect(await commit.release()).toBe('ErrorResponse');
  expect(isFoldOvertaken(await folded)).toBe(true);
  const loader = await house().open(house().loaderUrl, 'nighttrain');
  expect((await foldableMonths(loader, 0)).filter((one) => one.month === '2023-06-01')).toEqual([]);
  await house().ask(`update nighttrain.attempt set state = 'cancelled', ended_at = now() where ${attempt}`);
  expect((await foldableMonths(loader, 0)).filter((one) => one.month === '2023-06-01')).toMatchObject([
    { days: 2, tables: 2, rows: 3 },
  ]);
});

test('a fold gives way to a reader that uses the table, within seconds', async () => {
  const month = '2023-07';
  await loadDays(month, [1, 2]);
  const reader = (await house().open(house().readerUrl, 'analyst')).createQueryRunner();
  await reader.startTransaction();
  await reader.query('select count(*) from warehouse.fare');
  const startedAt = performance.now();
  const failure = await failureOf(foldFares(house(), month));
  expect(sqlStateOf((failure as Error).cause)).toBe('55P03');
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  await reader.rollbackTransaction();
  await reader.release();
  expect(await partsOf(house(), month)).toHaveLength(2);
});

test('what reads a day for a fold bears the name of the day, and holds nothing once it has read', async () => {
  const month = '2023-08';
  await loadDays(month, [1, 2]);
  const held = house().wire.hold('COPY', { from: 'nighttrain fold', nth: 2 });
  const folded = foldFares(house(), month);
  const copied = await held;
  expect(await house().loadSessions()).toEqual(['nt:fares:2023-08-02:2']);
  await expect.poll(() => locksOn('fare_2023080')).toEqual([]);
  expect(await copied.release()).toBe('CommandComplete');
  await folded;
});

/** Databases that are made of one template have tables of one number. */
const HERE = 'database = (select oid from pg_database where datname = current_database())';

const locksOn = (prefix: string) =>
  house().ask(
    `select c.relname, l.mode from pg_locks l join pg_class c on c.oid = l.relation
     where starts_with(c.relname, $1) and l.pid <> pg_backend_pid()
       and ${HERE}`,
    [prefix],
  );

test('R11: another fold that froze while it read a month holds up no replay of its days: it is evicted', async () => {
  const month = '2022-09';
  await loadDays(month, [1, 2]);
  await foldFares(house(), month);
  const [part] = await partsOf(house(), month);
  const frozen = (await house().open(house().loaderUrl, 'nt:fares:2022-09-01:2')).createQueryRunner();
  const client = (await frozen.connect()) as PoolClient;
  // far more than a socket takes, and nobody reads it
  const unread = client.query(
    copyTo(`copy (select repeat('x', 1000) from ${part?.name}, generate_series(1, 100000)) to stdout`),
  );
  const ended = once(unread, 'error');
  await expect.poll(() => locksOn('fare_202209_')).not.toEqual([]);
  await unfoldFares(house(), month);
  expect(await partsOf(house(), month)).toHaveLength(2);
  unread.resume();
  await ended;
  await frozen.release();
});

test('R14: a fold that stands before its COMMIT, proved and all, holds no lock that a load or a reader wants', async () => {
  const month = '2023-09';
  await loadDays(month, [1, 2]);
  const held = house().wire.hold('COMMIT', { from: 'nighttrain fold' });
  const folded = foldFares(house(), month);
  const commit = await held;
  expect(await locksOn('fare_2023090')).toEqual([]);
  const locks = `select mode from pg_locks where relation = 'warehouse.fare'::regclass and ${HERE}`;
  expect(await house().ask(locks)).toEqual([]);
  expect(await commit.release()).toBe('CommandComplete');
  await folded;
});

test('a month with a day that is young, or that a dataset wants to keep as days, is not folded', async () => {
  await using own = await openHouse();
  const loader = await own.open(own.loaderUrl, 'nighttrain');
  for (const day of ['2024-02-01', '2024-02-02']) await loadFares(own, day, { rows: 1, amount: 1 });
  expect(await foldableMonths(loader, 0)).toMatchObject([{ month: '2024-02-01', days: 2 }]);
  expect(await foldableMonths(loader, 24)).toEqual([]); // somebody may still be correcting it
  expect(await foldableMonths(loader, 0, 'tickets')).toEqual([]);
  await own.ask(`update nighttrain.dataset_policy set fold_after = 100000`);
  expect(await foldableMonths(loader, 0)).toEqual([]);
  expect(sqlStateOf(((await failureOf(foldFares(own, '2024-02'))) as Error).cause)).toBe('NT004');
});

test('R15: the loader can publish no fold that was not proved, nor change one afterwards, nor prove a lie', async () => {
  const month = '2022-06';
  await loadDays(month, [1, 2]);
  const loader = (await house().open(house().loaderUrl, 'liar')).createQueryRunner();
  const refusalAt = async (lines: (part: string, fold: string) => string[]) => {
    await loader.startTransaction();
    const [opened] = (await loader.query(`select nighttrain.open_fold('fares', $1, 'fold') as fold`, [
      firstOf(month),
    ])) as { fold: string }[];
    const fold = opened?.fold ?? '';
    const [day] = (await loader.query(`select to_table as part from nighttrain.fold_day where fold_id = $1`, [
      fold,
    ])) as { part: string }[];
    const work = async () => {
      for (const line of lines(`warehouse.${day?.part}`, fold)) await loader.query(line);
      await loader.commitTransaction();
    };
    const state = sqlStateOf(await failureOf(work()));
    if (loader.isTransactionActive) await loader.rollbackTransaction();
    return state;
  };
  const copy = (part: string) =>
    `insert into ${part} select * from warehouse.fare where day between '2022-06-01' and '2022-06-30'`;
  const check = (fold: string) => `select nighttrain.check_fold('${fold}')`;
  const extra = (part: string) => `insert into ${part} values ('2022-06-01', '2022-06-01', 99, 99, null)`;
  expect(await refusalAt((part) => [copy(part)])).toBe('NT004');
  expect(await refusalAt((_, fold) => [check(fold)])).toBe('NT004');
  expect(await refusalAt((part, fold) => [copy(part), extra(part), check(fold)])).toBe('NT004');
  expect(await refusalAt((part, fold) => [copy(part), check(fold), extra(part)])).toBe('42501');
  const other = copy('x')
    .replace('select *', 'select business_date, day, receipt, amount + 1, note')
    .replace('x', 'PART');
  expect(await refusalAt((part, fold) => [other.replace('PART', part), check(fold)])).toBe('NT004');
  expect(await partsOf(house(), month)).toHaveLength(2);
  await loader.release();
});

test('a month with a day that does not hold what the ledger says stays as it is, and the fold says which', async () => {
  await using own = await openHouse({ verified: false });
  for (const day of ['2024-02-01', '2024-02-02']) await loadFares(own, day, { rows: 3, amount: 1 });
  await own.database.transaction(async (tx) => {
    await tx.query(`set local session_replication_role = 'replica'`);
    await tx.query(`delete from warehouse.fare where business_date = '2024-02-02' and receipt = 2`);
  });
  expect(String(await failureOf(foldFares(own, '2024-02')))).toContain(
    'the ledger says 3 rows of fares of 2024-02-02, warehouse.fare_20240202_2_1 has 2',
  );
  expect(await partsOf(own, '2024-02')).toHaveLength(2);
});

test('R10: a version that was replaced before its month was folded stays in history, and so does the one after', async () => {
  const month = '2022-07';
  await loadDays(month, [1, 2]);
  await loadFares(house(), dateIn(month, 2), { rows: 5, amount: 5 });
  await foldFares(house(), month);
  await unfoldFares(house(), month);
  await loadFares(house(), dateIn(month, 2), { rows: 6, amount: 6 });
  await foldFares(house(), month);
  const versions = await house().ask<{ name: string }>(
    `select table_name as name from nighttrain.load_batch where business_date = $1 order by epoch`,
    [dateIn(month, 2)],
  );
  for (const [index, rows] of [2, 5].entries()) {
    expect(await house().ask(`select from warehouse_history.${versions[index]?.name}`)).toHaveLength(rows);
  }
  expect(await faresOf(house(), month)).toHaveLength(7);
});

test('a load that was rolled back beside a fold leaves no trace in it', async () => {
  const month = '2022-08';
  await loadDays(month, [1, 2]);
  {
    await using abandoned = await LoadByHand.begin(house(), 'fares', dateIn(month, 2));
    await abandoned.copyIn(fareRows(dateIn(month, 2), 7, 7));
    await foldFares(house(), month);
  }
  expect(await faresOf(house(), month)).toHaveLength(3);
});
