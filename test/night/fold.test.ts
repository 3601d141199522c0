import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { expect, test } from 'vitest';
import { rehearse } from '../../activities/rehearse.ts';
import { unfoldDay } from '../../activities/unfold-day.ts';
import { openLandingFolder } from '../../intake/landing-folder.ts';
import { Fenced } from '../../rules/errors.ts';
import { advanceEpoch, takeOverFence } from '../../warehouse/fence.ts';
import { TASK_QUEUE, type SweepRequest } from '../../workflows/messages.ts';
import { loadFares } from '../support/by-hand.ts';
import { fares } from '../support/datasets.ts';
import { receiptOf } from '../support/ending.ts';
import { fareLines } from '../support/fares.ts';
import { faresOf, foldFares, partsOf, unfoldFares } from '../support/fold.ts';
import { openHouse, shareHouse, type House } from '../support/house.ts';
import { dayOf } from '../support/intake.ts';
import { carryOut, keptRelease } from '../support/release.ts';
import { unguarded } from '../support/unguarded.ts';

/** Nights, replays and workers, where months are folded. */

const house = shareHouse();

/** Loads days of a month, the nth with n rows of amount n, and folds it. */
async function foldedMonth(month: string, days: number): Promise<string[]> {
  const dates = Array.from({ length: days }, (_, index) => `${month}-0${index + 1}`);
  for (const [index, date] of dates.entries()) {
    await house().put('fares', `${date}.csv`, fareLines(date, { good: index + 1, amount: index + 1 }));
    expect(await house().run('fares', date)).toMatchObject({ state: 'loaded' });
  }
  await foldFares(house(), month);
  return dates;
}

test('R1, R10: a folded day is replayed: it alone is replaced, its version before is in history, and the next fold takes all up', async () => {
  const [first = '', second = ''] = await foldedMonth('2023-01', 3);
  const before = await faresOf(house(), '2023-01');
  await house().put('fares', `${second}.csv`, fareLines(second, { good: 5, amount: 50 }));
  const receipt = receiptOf(await house().replay('fares', second));
  expect(receipt).toMatchObject({ counts: { loaded: 5 } });

  const others = (rows: typeof before) => rows.filter((row) => row['business_date'] !== second);
  const now = await faresOf(house(), '2023-01');
  expect(others(now)).toEqual(others(before));
  expect(now.filter(({ amount }) => amount === 50)).toHaveLength(5);
  expect(await partsOf(house(), '2023-01')).toHaveLength(3); // days again, until the next night
  const [version] = await house().ask<{ name: string }>(
    `select table_name as name from nighttrain.load_batch where dataset = 'fares' and business_date = $1
     order by epoch limit 1`,
    [second],
  );
  expect(await house().ask(`select amount from warehouse_history.${version?.name}`)).toEqual([
    { amount: 2 },
    { amount: 2 },
  ]);

  await foldFares(house(), '2023-01');
  expect(await faresOf(house(), '2023-01')).toEqual(now);
  expect(await house().run('fares', first)).toMatchObject({ state: 'loaded', alreadyLoaded: true });
});

test('R10: a dry run compares with a folded day as with any other, and unfolds nothing', async () => {
  const [, second = ''] = await foldedMonth('2023-02', 2);
  const [header = '', row = ''] = fareLines(second, { good: 1, amount: 2 });
  await house().put('fares', `${second}.csv`, [header, row, `${second},9,9,`]);
  const deps = {
    warehouse: await house().open(house().loaderUrl, 'dry run'),
    inbox: join(house().folder, 'inbox'),
    env: () => undefined,
    landing: openLandingFolder(join(house().folder, 'landing')),
    scratch: openLandingFolder(await mkdtemp(join(house().folder, 'scratch-'))),
  };
  const watching = { signal: new AbortController().signal, progress: () => undefined };
  const day = { dataset: 'fares', businessDate: dayOf(second) };
  const { comparison } = await rehearse(deps, fares, day, 'source', watching);
  expect(comparison).toMatchObject({ added: 1, removed: 1, changed: 0, unchanged: 1 });
  expect(await partsOf(house(), '2023-02')).toHaveLength(1);
});

test('rejected rows of a folded day are released into it', async () => {
  await foldedMonth('2023-08', 2);
  const day = '2023-08-03';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 5, bad: 1, amount: 3 }));
  await house().run('fares', day);
  await foldFares(house(), '2023-08');
  const corrected = ['part,record,day,receipt,amount,note', `1,6,${day},6,3,`];
  expect(await carryOut(house(), await keptRelease(house(), fares, day, corrected))).toMatchObject({
    state: 'loaded',
    receipt: { counts: { loaded: 6 } },
  });
  expect((await faresOf(house(), '2023-08')).map(({ amount }) => amount)).toEqual([
    1, 2, 2, 3, 3, 3, 3, 3, 3,
  ]);
});

test('R11: days of one folded month that are replayed at once are all loaded', async () => {
  const days = await foldedMonth('2023-03', 4);
  for (const day of days) await house().put('fares', `${day}.csv`, fareLines(day, { good: 2, amount: 70 }));
  const endings = await Promise.all(days.map((day) => house().replay('fares', day)));
  expect(endings.map(({ state }) => state)).toEqual(days.map(() => 'loaded'));
  expect((await faresOf(house(), '2023-03')).map(({ amount }) => amount)).toEqual(Array(8).fill(70));
});

test('R11: a replay takes its day from a fold that is reading it, and is not held up; the fold gives way', async () => {
  const [, second = ''] = await foldedMonth('2023-04', 3);
  await unfoldFares(house(), '2023-04');
  const held = house().wire.hold('COPY', { from: 'nighttrain fold', nth: 2 });
  const folded = foldFares(house(), '2023-04').then(
    () => 'folded',
    () => 'gave way',
  );
  const copied = await held;
  await house().put('fares', `${second}.csv`, fareLines(second, { good: 1, amount: 80 }));
  expect(await house().replay('fares', second)).toMatchObject({ state: 'loaded' });
  await copied.release();
  expect(await folded).toBe('gave way');
  expect(await partsOf(house(), '2023-04')).toHaveLength(3);
  expect((await faresOf(house(), '2023-04')).map(({ amount }) => amount)).toEqual([1, 80, 3, 3, 3]);
});

test('R9: the worker of a replay is killed while it unfolds: nothing is half, and the replay goes on', async () => {
  await using own = await openHouse();
  const days = ['2023-05-01', '2023-05-02'];
  for (const day of days) await loadFares(own, day, { rows: 2, amount: 1 });
  await foldFares(own, '2023-05');
  await own.put('fares', '2023-05-02.csv', fareLines('2023-05-02', { good: 3, amount: 9 }));
  const doomed = await own.startWorkerProcess();
  const held = own.wire.hold('COMMIT');
  const replay = own.replay('fares', '2023-05-02');
  const { application } = await held;
  expect(application).toBe('nt:fares:2023-05-02:4');
  await own.startWorker();
  await doomed.end('SIGKILL');
  expect(await partsOf(own, '2023-05')).toHaveLength(1);
  expect(await replay).toMatchObject({ state: 'loaded', receipt: { counts: { loaded: 3 } } });
  expect(await partsOf(own, '2023-05')).toHaveLength(2);
}, 120_000);

/** Two days of a month, of two rows and three, folded; their sources have as many rows of amount 9 now. */
async function foldedDays(here: House, month: string): Promise<{ first: string; second: string }> {
  const [first, second] = [`${month}-01`, `${month}-02`];
  await loadFares(here, first, { rows: 2, amount: 1 });
  await loadFares(here, second, { rows: 3, amount: 1 });
  await foldFares(here, month);
  await here.put('fares', `${first}.csv`, fareLines(first, { good: 2, amount: 9 }));
  await here.put('fares', `${second}.csv`, fareLines(second, { good: 3, amount: 9 }));
  return { first, second };
}

test('R10: a folded day that somebody took rows from is put right by a replay, and so is one beside it', async () => {
  await using own = await openHouse({ verified: false }); // the version in history lacks them for ever
  await own.startWorker();
  const { first, second } = await foldedDays(own, '2023-09');
  await unguarded(own.database, `delete from warehouse.fare where receipt = 2`);
  expect(await own.replay('fares', second)).toMatchObject({ state: 'loaded' });
  expect(await own.replay('fares', first)).toMatchObject({ state: 'loaded' });
  expect((await faresOf(own, '2023-09')).map(({ amount }) => amount)).toEqual(Array(5).fill(9));
});

test('R10: days whose table of the month is gone, or whose own, are made anew by their replays', async () => {
  await using own = await openHouse();
  await own.startWorker();
  const { first, second } = await foldedDays(own, '2023-10');
  const [month] = await partsOf(own, '2023-10');
  await unguarded(own.database, `drop table ${month?.name}`);
  expect(await own.replay('fares', second)).toMatchObject({ state: 'loaded' });
  expect(await own.replay('fares', first)).toMatchObject({ state: 'loaded' });
  const [day] = await partsOf(own, '2023-10');
  await unguarded(own.database, `drop table ${day?.name}`);
  expect(await own.replay('fares', first)).toMatchObject({ state: 'loaded' });
  expect((await faresOf(own, '2023-10')).map(({ amount }) => amount)).toEqual(Array(5).fill(9));
});

test('R6: a load that was evicted while it unfolded, for its day was taken over, does not begin again', async () => {
  await using own = await openHouse();
  const { second } = await foldedDays(own, '2023-11');
  const day = { dataset: 'fares', businessDate: dayOf(second) };
  await takeOverFence(own.database, day, 'a load');
  const epoch = await advanceEpoch(own.database, day, 'a load');
  const deps = { warehouse: await own.open(own.loaderUrl, 'a load'), loaderUrl: own.loaderUrl };
  const step = { signal: new AbortController().signal, progress: () => undefined, log: own.log };
  const held = own.wire.hold('COMMIT', { from: 'nt:' });
  const unfolded = unfoldDay(deps, step, fares, { ...day, epoch, loadId: randomUUID() }).then(
    () => 'unfolded',
    (error: unknown) => error,
  );
  const { application } = await held;
  await takeOverFence(own.database, day, 'a newer one');
  await own.ask(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = $1 and datname = current_database()`,
    [application],
  );
  expect(await unfolded).toBeInstanceOf(Fenced);
  expect(await partsOf(own, '2023-11')).toHaveLength(1);
});

/** Starts what the schedule starts every day. */
function sweepMonths(here: House): Promise<WorkflowHandle> {
  return here.client.workflow.start('sweep', {
    workflowId: `sweep/months/${randomUUID()}`,
    taskQueue: TASK_QUEUE,
    args: [{ of: 'months' } satisfies SweepRequest],
  });
}

/** As if everything of a dataset had been committed so many days earlier. */
async function age(here: House, days: number): Promise<void> {
  await unguarded(
    here.database,
    `do $$
     declare
       link record;
       before bytea := '';
     begin
       for link in
         select c.seq, b as batch, c.committed_at - interval '${days} days' as at
         from nighttrain.audit_chain c join nighttrain.load_batch b using (load_id)
         where c.dataset = 'fares' order by c.seq
       loop
         update nighttrain.audit_chain
         set previous_hash = before, committed_at = link.at, hash = nighttrain.chain_hash(before, link.batch, link.at)
         where dataset = 'fares' and seq = link.seq
         returning hash into before;
       end loop;
       update nighttrain.audit_chain_head set hash = before where dataset = 'fares';
     end
     $$`,
  );
}

test('old months are folded every day, once a day has passed since their last correction; kill -9 in mid-fold leaves days, and the next one folds them', async () => {
  await using own = await openHouse();
  for (const day of ['2023-06-01', '2023-06-02', '2023-06-03', '2023-07-01', '2023-07-02'])
    await loadFares(own, day, { rows: 2, amount: 1 });
  const rows = await faresOf(own, '2023-06');
  const doomed = await own.startWorkerProcess();
  await (await sweepMonths(own)).result();
  expect(await partsOf(own, '2023-06'), 'it is still being corrected').toHaveLength(3);

  await age(own, 2);
  const held = own.wire.hold('COPY', { from: 'nighttrain fold', nth: 2 });
  const sweep = await sweepMonths(own);
  await held; // and not cut: to PostgreSQL it is a worker that is frozen
  await doomed.end('SIGKILL');
  await sweep.terminate('its worker is dead');
  expect(await partsOf(own, '2023-06')).toHaveLength(3);
  expect(await faresOf(own, '2023-06')).toEqual(rows);
  expect(await own.ask(`select from pg_class where relname ~ '_m[0-9]+'`)).toEqual([]);

  await own.startWorker();
  await (await sweepMonths(own)).result();
  expect(await partsOf(own, '2023-06')).toMatchObject([{ days: 3 }]);
  expect(await partsOf(own, '2023-07')).toMatchObject([{ days: 2 }]);
  expect(await faresOf(own, '2023-06')).toEqual(rows);
}, 120_000);
