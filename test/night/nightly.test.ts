import type { ScheduleHandle } from '@temporalio/client';
import { expect, test } from 'vitest';
import type { Dataset } from '../../rules/dataset.ts';
import { addDays, localDate } from '../../rules/business-date.ts';
import { TASK_QUEUE } from '../../workflows/messages.ts';
import { fares, tickets } from '../support/datasets.ts';
import { endingOf, type Ending } from '../support/ending.ts';
import { fareLines } from '../support/fares.ts';
import { shareHouse } from '../support/house.ts';
import { until } from '../support/intake.ts';

/** Due on the next day just before noon: whenever the tests run, that is hours away. */
const schedule = { at: '12:00', dueBy: '11:59', timeZone: 'UTC', cadence: 'daily', after: [] } as const;
const scheduled: Dataset = { ...fares, schedule };
const following: Dataset = { ...tickets, schedule: { ...schedule, after: ['fares'] } };

const house = shareHouse({ datasets: [scheduled, following] });

/** The night that the schedule starts for a slot of the past. */
async function backfill(dataset: string, slot: string): Promise<Ending> {
  const handle = house().client.schedule.getHandle(`nighttrain/${dataset}`);
  const started = await startedBy(handle, () =>
    handle.backfill({ start: new Date(slot), end: new Date(slot), overlap: 'ALLOW_ALL' }),
  );
  return endingOf(house().client.workflow.getHandle(started));
}

/** The id of the next workflow that a schedule starts. */
async function startedBy(handle: ScheduleHandle, start: () => Promise<void>): Promise<string> {
  const taken = async () =>
    (await handle.describe()).info.recentActions.map(({ action }) => action.workflow.workflowId);
  const before = await taken();
  await start();
  let started: string | undefined;
  await until(
    async () => (started = (await taken()).find((id) => !before.includes(id))) !== undefined,
    20_000,
  );
  return started ?? '';
}

test('R12: a night takes its business date from its slot, years later too', async () => {
  await house().put('fares', '2024-02-28.csv', fareLines('2024-02-28', { good: 3 }));
  expect(await backfill('fares', '2024-02-29T12:00:00Z')).toMatchObject({
    state: 'loaded',
    alreadyLoaded: false,
    receipt: { businessDate: '2024-02-28', counts: { loaded: 3 } },
  });
  expect(await house().attempts('fares', '2024-02-28')).toMatchObject([{ kind: 'nightly' }]);
});

test('a night that the ledger has already ends as already loaded', async () => {
  await house().put('fares', '2024-03-01.csv', fareLines('2024-03-01', { good: 3 }));
  await house().run('fares', '2024-03-01');
  expect(await backfill('fares', '2024-03-02T12:00:00Z')).toMatchObject({
    state: 'loaded',
    alreadyLoaded: true,
  });
  expect(await house().attempts('fares', '2024-03-01')).toMatchObject([{ kind: 'run' }]);
});

test('a night that was started by no schedule has no business date, and says so', async () => {
  const handle = await house().client.workflow.start('nightly', {
    workflowId: 'nightly/by hand',
    taskQueue: TASK_QUEUE,
    args: [{ dataset: 'fares' }],
  });
  expect(await endingOf(handle)).toMatchObject({ state: 'failed', error: { name: 'NotScheduled' } });
});

test('a night that fails says why in the words of its load', async () => {
  expect(await backfill('fares', '2024-03-06T12:00:00Z')).toMatchObject({
    state: 'failed',
    error: { name: 'SourceNotReady', message: 'There is no file for fares of 2024-03-05 in the inbox' },
  });
});

test('R11: a night whose day is being loaded by another run is told so', async () => {
  const day = '2024-03-07';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
  const held = house().wire.hold('COMMIT');
  const run = await house().start('fares', day);
  const commit = await held;
  expect(await backfill('fares', '2024-03-08T12:00:00Z')).toMatchObject({
    state: 'failed',
    error: { name: 'DayIsTaken' },
  });
  await commit.release();
  expect(await endingOf(run)).toMatchObject({ state: 'loaded' });
});

test('a night that comes after another waits until its deadline, then names what was missing', async () => {
  expect(await backfill('tickets', '2024-03-10T12:00:00Z')).toMatchObject({
    state: 'failed',
    error: {
      name: 'PredecessorMissing',
      message: 'tickets of 2024-03-09 waited until its deadline for fares',
    },
  });
});

test('a night that comes after another waits for it, and is loaded once that one is', async () => {
  const yesterday = addDays(localDate(new Date().toISOString(), 'UTC'), -1);
  await house().put('fares', `${yesterday}.csv`, fareLines(yesterday, { good: 3 }));
  await house().put('tickets', `${yesterday}.csv`, ['ticket,changed,state', '1,1,sold']);
  const handle = house().client.schedule.getHandle('nighttrain/tickets');
  const waiting = house().client.workflow.getHandle(await startedBy(handle, () => handle.trigger()));
  await until(async () => {
    const { typedSearchAttributes } = await waiting.describe();
    return JSON.stringify(typedSearchAttributes).includes('waiting');
  });
  await house().run('fares', yesterday);
  expect(await endingOf(waiting)).toMatchObject({ state: 'loaded', receipt: { businessDate: yesterday } });
});
