import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { expect, test } from 'vitest';
import { TASK_QUEUE, type SweepRequest } from '../../workflows/messages.ts';
import { endingOf } from '../support/ending.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse, shareHouse, type House } from '../support/house.ts';
import { unguarded } from '../support/unguarded.ts';

const house = shareHouse();

/**
 * Does what `temporal workflow reset` does.
 * @param task which of its workflow tasks the load begins with again: the first takes the day over, the last but one
 * begins the load step
 */
async function reset(here: House, load: WorkflowHandle, task: number): Promise<WorkflowHandle> {
  const { events } = await load.fetchHistory();
  const tasks = (events ?? []).filter(({ workflowTaskCompletedEventAttributes: done }) => done);
  const { runId } = await here.client.workflowService.resetWorkflowExecution({
    namespace: here.name,
    workflowExecution: { workflowId: load.workflowId, runId: (await load.describe()).runId },
    workflowTaskFinishEventId: tasks.at(task)?.eventId ?? null,
    reason: 'an operator knows better',
    requestId: randomUUID(),
  });
  return here.client.workflow.getHandle(load.workflowId, runId);
}

/** A sweep that finds the day's attempts old enough to judge. */
async function sweep(here: House, day: string): Promise<void> {
  await here.ask(
    `update nighttrain.attempt set started_at = started_at - interval '1 minute' where business_date = $1`,
    [day],
  );
  await here.client.workflow.execute('sweep', {
    workflowId: `sweep/${randomUUID()}`,
    taskQueue: TASK_QUEUE,
    args: [{ of: 'nights' } satisfies SweepRequest],
  });
}

const batches = (here: House, day: string) =>
  here.ask('select epoch from nighttrain.load_batch where business_date = $1', [day]);

test.each([
  ['while it runs', '2024-10-01', false],
  ['after it was terminated', '2024-10-06', true],
])(
  'a load that is reset %s goes on under its attempt, which no sweep closes',
  async (_, day, isTerminated) => {
    await house().put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
    const first = house().wire.hold('COMMIT');
    const load = await house().start('fares', day);
    await first;
    if (isTerminated) await load.terminate('an operator without patience');
    const second = house().wire.hold('COMMIT');
    const again = await reset(house(), load, -1);
    const commit = await second;
    await sweep(house(), day);
    await commit.release();
    expect(await endingOf(again)).toMatchObject({ state: 'loaded', alreadyLoaded: false });
    expect(await house().attempts('fares', day)).toMatchObject([{ state: 'loaded', error: null }]);
    expect(await batches(house(), day)).toHaveLength(1);
  },
);

test('a load that is reset to its beginning takes its day over anew; its first attempt is closed, and says why', async () => {
  const day = '2024-10-02';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
  const first = house().wire.hold('COMMIT');
  const load = await house().start('fares', day);
  await first;
  const again = await reset(house(), load, 0);
  expect(await endingOf(again)).toMatchObject({ state: 'loaded', alreadyLoaded: false });
  await sweep(house(), day);
  expect(await house().attempts('fares', day)).toMatchObject([
    {
      state: 'failed',
      error: { name: 'Abandoned', message: 'Its workflow was reset, and took the day over anew' },
    },
    { state: 'loaded', error: null },
  ]);
  expect(await batches(house(), day)).toHaveLength(1);
});

test('a load that failed and is reset to its last step loads, and its attempt says so', async () => {
  const day = '2024-10-03';
  await using own = await openHouse();
  await own.startWorker();
  await own.put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
  await unguarded(own.database, 'alter table warehouse.fare rename to mislaid');
  const load = await own.start('fares', day);
  expect(await endingOf(load)).toMatchObject({ state: 'failed', error: { name: 'WarehouseRejected' } });
  await unguarded(own.database, 'alter table warehouse.mislaid rename to fare');
  expect(await endingOf(await reset(own, load, -2))).toMatchObject({ state: 'loaded' });
  await sweep(own, day);
  expect(await own.attempts('fares', day)).toMatchObject([{ state: 'loaded', error: null }]);
});

test('R9: a load that is loaded and reset answers with the receipt that it had', async () => {
  const day = '2024-10-04';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
  const load = await house().start('fares', day);
  const ending = await endingOf(load);
  expect(await endingOf(await reset(house(), load, -2))).toEqual(ending);
  expect(await house().attempts('fares', day)).toMatchObject([{ state: 'loaded' }]);
  expect(await batches(house(), day)).toHaveLength(1);
});

test('R6: a load that is reset after another attempt took its day over is fenced, and says so', async () => {
  const day = '2024-10-05';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
  const held = house().wire.hold('COMMIT');
  const load = await house().start('fares', day);
  await held;
  const runId = (await load.describe()).runId;
  expect(await house().replay('fares', day, { takeOver: true })).toMatchObject({ state: 'loaded' });
  const again = await reset(house(), house().load('fares', day, runId), -2);
  expect(await endingOf(again)).toMatchObject({ state: 'failed', error: { name: 'Fenced' } });
  await sweep(house(), day);
  expect((await house().attempts('fares', day)).map(({ state }) => state)).toEqual(['cancelled', 'loaded']);
  expect(await batches(house(), day)).toHaveLength(1);
});
