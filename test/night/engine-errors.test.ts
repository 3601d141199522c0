import { Client, Connection } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
import type { Deps } from '../../activities/deps.ts';
import { createActivities } from '../../activities/index.ts';
import { planOf } from '../../rules/dataset.ts';
import { fares } from '../support/datasets.ts';
import { openHouse, type House } from '../support/house.ts';
import { dayOf, matching } from '../support/intake.ts';

/** What a worker of this house works with. */
async function depsOf(house: House): Promise<Deps> {
  let deps: Deps | undefined;
  await house.startWorker((all) => (deps = all));
  if (!deps) throw new Error('the worker has nothing to work with');
  return deps;
}

test('steps that need Temporal say that it does not answer, and are tried again', async () => {
  await using house = await openHouse();
  const connection = Connection.lazy({ address: '127.0.0.1:1' }); // nobody is there
  const temporal = new Client({ connection, namespace: house.name });
  const { endRun, sweepNights, rebootAll } = createActivities({ ...(await depsOf(house)), temporal });
  const attempt = { dataset: 'fares', businessDate: dayOf('2024-11-01'), epoch: 1 };
  await house.ask(
    `insert into nighttrain.attempt (dataset, business_date, epoch, owner_run_id, workflow_id, kind, state, started_at)
     values ($1, $2, $3, 'somebody', 'load/fares/2024-11-01', 'run', 'running', now() - interval '1 hour')`,
    Object.values(attempt),
  );
  for (const [name, step] of [
    ['The run of load/fares/2024-11-01 could not be ended', () => endRun('load/fares/2024-11-01')],
    ['The sweep could not be finished', sweepNights],
    ['The cold reboot could not be finished', rebootAll],
  ] as const) {
    const answer = temporal.withDeadline(Date.now() + 500, () => new MockActivityEnvironment().run(step));
    await expect(answer).rejects.toMatchObject({
      type: 'TemporalUnavailable',
      nonRetryable: false,
      message: matching(new RegExp(`^${name}: Temporal answered `)),
    });
  }
  await connection.close();
  await house.ask(`update nighttrain.attempt set state = 'failed', ended_at = now()`);
});

test('a landing that cannot be looked up is the warehouse, and says so', async () => {
  await using house = await openHouse();
  const { extract } = createActivities(await depsOf(house));
  await house.ask('revoke select on nighttrain.attempt from nighttrain_loader');
  const attempt = {
    dataset: 'fares',
    businessDate: dayOf('2024-11-02'),
    epoch: 2,
    ownerRunId: 'somebody',
    plan: planOf(fares),
  };
  await expect(new MockActivityEnvironment().run(() => extract(attempt, 'landing'))).rejects.toMatchObject({
    type: 'WarehouseRejected',
    message: matching(/^What landed for fares of 2024-11-02 could not be looked up: permission denied/),
  });
});
