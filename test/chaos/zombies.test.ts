import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ISOLATIONS, type Isolation } from '../support/by-hand.ts';
import type { Ledger } from '../../warehouse/ledger.ts';
import { endingOf, receiptOf } from '../support/ending.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse, type House } from '../support/house.ts';
import { workflowBundle, type WorkerProcess } from '../support/house-worker.ts';
import { sharedEngines } from '../support/shared-engines.ts';
import { noEviction } from './saboteur.ts';

const day = '2013-02-01';

/** Its Temporal alone is used. */
let beyond: House;
beforeAll(async () => {
  beyond = await openHouse();
});
afterAll(() => beyond[Symbol.asyncDispose]());

/**
 * A zombie works for a Temporal that nobody else knows: what it is frozen with must not freeze the attempt that
 * takes its day over.
 * @param under whose Temporal it works for
 */
async function startZombie(house: House, under = beyond): Promise<WorkerProcess> {
  await workflowBundle();
  const zombie = await under.startWorkerProcess(
    {
      NIGHTTRAIN_DATABASE_URL: house.loaderUrl,
      NIGHTTRAIN_HOME: house.folder,
      WORKFLOW_BUNDLE: join(sharedEngines().runFolder, 'workflows.js'),
    },
    { args: ['--import', import.meta.resolve('tsx'), resolve('test/chaos/worker.ts')], says: 'standing by' },
  );
  zombie.tell({ order: 'eviction', isOn: false });
  zombie.tell({ order: 'go' });
  await expect.poll(() => zombie.hasSaid('worker started'), { timeout: 30_000 }).toBe(true);
  return zombie;
}

/** Loaders begin their transactions at this level by themselves. */
async function setIsolation(house: House, isolation: Isolation): Promise<void> {
  await house.ask(
    `alter role nighttrain_loader in database ${house.name} set default_transaction_isolation = '${isolation.toLowerCase()}'`,
  );
}

async function rowsOf(house: House): Promise<unknown> {
  return house.ask(
    'select count(*) as rows, min(amount) as amount from warehouse.fare where business_date = $1',
    [day],
  );
}

test.each(ISOLATIONS)(
  'R6: a worker that was stopped just before COMMIT at %s is refused by the database when it goes on',
  async (isolation) => {
    await using house = await openHouse();
    await setIsolation(house, isolation);
    await using zombie = await startZombie(house);
    // Ready before the other stands still: one that stood too long hears, when it goes on, that its step was given up.
    await house.startWorker((deps) => ({ ...deps, eviction: noEviction }));
    await house.put('fares', `${day}.csv`, fareLines(day, { good: 50, amount: 1 }));
    const ready = house.wire.holdAnswer('LEDGER');
    const old = await beyond.start('fares', day);
    const held = await ready;
    const commit = held.answerAt('COMMIT');
    zombie.signal('SIGSTOP');
    await held.release();

    await house.put('fares', `${day}.csv`, fareLines(day, { good: 30, amount: 2 }));
    expect(await house.run('fares', day)).toMatchObject({ state: 'loaded' });
    expect(await house.loadSessions()).toHaveLength(1); // the zombie's: the fence is alone

    zombie.signal('SIGCONT');
    expect(await commit).toBe('ErrorResponse');
    expect(await endingOf(old)).toMatchObject({ state: 'failed', error: { name: 'Fenced' } });
    expect(await rowsOf(house)).toEqual([{ rows: 30, amount: 2 }]);
  },
);

test.each(ISOLATIONS)(
  'R6: a COMMIT held on the wire at %s is refused once its day is taken over, though nobody is evicted',
  async (isolation) => {
    await using house = await openHouse();
    await setIsolation(house, isolation);
    await using zombie = await startZombie(house);
    // Ready before the other stands still: one that stood too long hears, when it goes on, that its step was given up.
    await house.startWorker((deps) => ({ ...deps, eviction: noEviction }));
    await house.put('fares', `${day}.csv`, fareLines(day, { good: 50, amount: 1 }));
    const sent = house.wire.hold('COMMIT');
    const old = await beyond.start('fares', day);
    const commit = await sent;

    await house.put('fares', `${day}.csv`, fareLines(day, { good: 30, amount: 2 }));
    expect(await house.run('fares', day)).toMatchObject({ state: 'loaded' });

    expect(await commit.release()).toBe('ErrorResponse');
    expect(await endingOf(old)).toMatchObject({ state: 'failed', error: { name: 'Fenced' } });
    expect(await rowsOf(house)).toEqual([{ rows: 30, amount: 2 }]);
    expect(zombie.hasEnded).toBe(false);
  },
);

test('R6: with eviction the same zombie has no session any more to commit in', async () => {
  await using house = await openHouse();
  await using zombie = await startZombie(house);
  await house.put('fares', `${day}.csv`, fareLines(day, { good: 50, amount: 1 }));
  const sent = house.wire.hold('COMMIT');
  const old = await beyond.start('fares', day);
  const commit = await sent;
  zombie.signal('SIGSTOP');
  await house.startWorker();
  expect(await house.run('fares', day)).toMatchObject({ state: 'loaded' });
  expect(await house.loadSessions()).toEqual([]);
  expect(await commit.release()).toBe('Closed');
  zombie.signal('SIGCONT');
  expect(await endingOf(old)).toMatchObject({ state: 'failed', error: { name: 'Fenced' } });
});

test('R9: a frozen try that would commit just after the next one has asked the ledger commits no more', async () => {
  await using house = await openHouse();
  await using zombie = await startZombie(house, house);
  await house.put('fares', `${day}.csv`, fareLines(day, { good: 10 }));
  const sent = house.wire.hold('COMMIT');
  const night = await house.start('fares', day);
  const commit = await sent;
  zombie.signal('SIGSTOP');
  let answer: string | undefined;
  await house.startWorker((deps) => {
    const receiptOfRun: Ledger['receiptOfRun'] = async (...of) => {
      const receipt = await deps.ledger.receiptOfRun(...of);
      answer ??= await commit.release();
      return receipt;
    };
    return { ...deps, eviction: noEviction, ledger: { ...deps.ledger, receiptOfRun } };
  });
  expect(receiptOf(await endingOf(night))).toMatchObject({ counts: { loaded: 10 } });
  expect(answer).toBe('ErrorResponse');
  expect(await house.ask('select from nighttrain.load_batch')).toHaveLength(1);
  zombie.signal('SIGCONT');
});
