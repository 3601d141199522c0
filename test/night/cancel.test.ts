import { expect, test } from 'vitest';
import type { WorkflowHandle } from '@temporalio/client';
import { endingOf } from '../support/ending.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse, shareHouse, type House } from '../support/house.ts';
import { until } from '../support/intake.ts';

/** Issue A: cancelled at any step, a load is over within 5 s, with the outcome that the ledger says (R13). */
const WITHIN_MS = 5_000;

/** Rows that take longer than it takes to ask for a cancel: a million is loaded in a second. */
const LARGE = 4_000_000;

const house = shareHouse();

/** Cancels a load, sees that nothing is left of it, and says how long that took. */
async function cancelled(at: House, handle: WorkflowHandle, dataset: string, day: string): Promise<number> {
  const asked = performance.now();
  await handle.cancel();
  expect(await endingOf(handle)).toMatchObject({ state: 'cancelled' });
  const tookMs = performance.now() - asked;
  expect(await at.loadSessions()).toEqual([]);
  expect(await at.attempts(dataset, day)).toMatchObject([{ state: 'cancelled', loadId: null }]);
  expect(await at.ask('select 1 from nighttrain.load_batch where business_date = $1', [day])).toEqual([]);
  return tookMs;
}

const isAt = async (handle: WorkflowHandle, step: string) => {
  const steps = await handle.query<{ name: string; state: string }[]>('progress');
  return steps.some(({ name, state }) => name === step && state === 'running');
};

test('R13: cancelled while it waits for a slow source', async () => {
  const day = '2024-08-01';
  await using railway = await openHouse({ freightApi: { faults: [{ fault: 'black-hole' }] } });
  await railway.startWorker();
  const handle = await railway.start('stations', day);
  await until(() => isAt(handle, 'extract'));
  expect(await cancelled(railway, handle, 'stations', day)).toBeLessThan(WITHIN_MS);
});

test('R13: cancelled between two tries of a source that is not ready', async () => {
  const day = '2024-08-02';
  await using railway = await openHouse({
    freightApi: { faults: [{ fault: 'status', status: 503, retryAfter: '600' }] },
  });
  await railway.startWorker();
  const handle = await railway.start('stations', day);
  await until(() => railway.lines.some((line) => line.includes('may be tried again')));
  expect(await cancelled(railway, handle, 'stations', day)).toBeLessThan(WITHIN_MS);
});

test('R13: cancelled while rows are sorted and copied', async () => {
  const day = '2024-08-03';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: LARGE }));
  const handle = await house().start('fares', day);
  await until(() => isAt(handle, 'load'), 20_000);
  expect(await cancelled(house(), handle, 'fares', day)).toBeLessThan(WITHIN_MS);
});

test('R13: cancelled while the parts of a merge are transformed', async () => {
  const day = '2024-08-03';
  const rows = Array.from({ length: LARGE }, (_, row) => `ore ${row},1,100`);
  await house().put('prices', `${day}.csv`, ['commodity,revision,francs', ...rows]);
  const handle = await house().start('prices', day);
  await until(() => isAt(handle, 'transform'), 20_000);
  expect(await cancelled(house(), handle, 'prices', day)).toBeLessThan(WITHIN_MS);
});

test('R13: cancelled in mid-COPY, which PostgreSQL itself cannot be asked to leave', async () => {
  const day = '2024-08-04';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 5 }));
  const held = house().wire.hold('COPY');
  const handle = await house().start('fares', day);
  await held;
  expect(await cancelled(house(), handle, 'fares', day)).toBeLessThan(WITHIN_MS);
});

test('R13: cancelled just before COMMIT', async () => {
  const day = '2024-08-05';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 5 }));
  const held = house().wire.hold('COMMIT');
  const handle = await house().start('fares', day);
  await held;
  expect(await cancelled(house(), handle, 'fares', day)).toBeLessThan(WITHIN_MS);
});

test('R13: a cancel that lost to COMMIT reports the night as loaded', async () => {
  const day = '2024-08-06';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 5 }));
  const lock = house().database.createQueryRunner();
  await lock.startTransaction();
  const held = house().wire.hold('COMMIT');
  const handle = await house().start('fares', day);
  const commit = await held;
  await lock.query(`select from nighttrain.audit_chain_head where dataset = 'fares' for update`);
  const released = commit.release(); // COMMIT runs, and waits for the head of the chain
  await until(async () => (await waiting()) === 1);
  await lock.rollbackTransaction();
  await lock.release();
  await released;
  await handle.cancel().catch(() => undefined); // it may have ended by now
  expect(await endingOf(handle)).toMatchObject({ state: 'loaded' });
  expect(await house().attempts('fares', day)).toMatchObject([{ state: 'loaded', loaded: 5 }]);
});

test('R13: a day that was cancelled can be loaded afterwards', async () => {
  expect(await house().run('fares', '2024-08-05')).toMatchObject({
    state: 'loaded',
    receipt: { counts: { loaded: 5 } },
  });
});

async function waiting(): Promise<number> {
  const rows = await house().ask(
    `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows.length;
}
