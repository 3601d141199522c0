import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { pauseNote } from '../../rules/pause.ts';
import { TASK_QUEUE } from '../../workflows/messages.ts';
import { fares, tickets } from '../support/datasets.ts';
import type { Deps } from '../../activities/deps.ts';
import { putEnginesRight } from '../../activities/sweep-engines.ts';
import { openHouse, shareHouse } from '../support/house.ts';
import { until } from '../support/intake.ts';

const schedule = { at: '12:00', dueBy: '11:59', timeZone: 'UTC', cadence: 'daily', after: [] } as const;
const house = shareHouse({
  datasets: [
    { ...fares, schedule },
    { ...tickets, schedule },
  ],
});

async function sweep(): Promise<void> {
  await house().client.workflow.execute('sweep', {
    workflowId: `sweep/${randomUUID()}`,
    taskQueue: TASK_QUEUE,
    args: [{ of: 'nights' }],
  });
}

const pausedAlerts = () =>
  house().ask(
    `select dataset, state, resolved_why as why from nighttrain.alert where rule = 'schedule-paused' order by dataset`,
  );

test('a pause ends when it was to end: the sweep resumes the schedule, and says why; any other pause goes on', async () => {
  const schedules = ['fares', 'tickets'].map((name) =>
    house().client.schedule.getHandle(`nighttrain/${name}`),
  );
  const [over, other] = schedules;
  const end = new Date(Date.now() + 5_000).toISOString();
  await over?.pause(pauseNote('the source moves (ana)', end));
  await other?.pause(pauseNote('the other moves (bo)', undefined));
  await until(async () => {
    await sweep();
    return (await pausedAlerts()).length === 2 || Date.now() > Date.parse(end); // listing lags behind a little
  }, 20_000);

  await until(async () => {
    await sweep();
    return (await over?.describe())?.state.paused === false;
  }, 30_000);
  expect(new Date().toISOString() > end).toBe(true);
  expect((await over?.describe())?.state.note).toBe(
    `resumed by the sweep: its pause was to end at ${end} (the source moves (ana), until ${end})`,
  );
  expect((await other?.describe())?.state.paused).toBe(true);
  await until(async () => {
    await sweep();
    return (await pausedAlerts()).length === 2 || (await pausedAlerts())[0]?.['dataset'] === 'tickets';
  }, 20_000);
  const open = (await pausedAlerts()).filter(({ state }) => state !== 'resolved');
  expect(open).toMatchObject([{ dataset: 'tickets' }]);
});

test('a pause that was renewed goes on being told of, also while the list of schedules still has its old end', async () => {
  await using here = await openHouse({ datasets: [{ ...fares, schedule }] });
  let made: Deps | undefined;
  await here.startWorker((deps) => (made = deps));
  await here.client.schedule.getHandle('nighttrain/_sweep-nights').pause('the test sweeps');
  const handle = here.client.schedule.getHandle('nighttrain/fares');
  await handle.pause(pauseNote('renewed (ana)', new Date(Date.now() + 3_600_000).toISOString()));
  if (!made) throw new Error('the worker has no deps');
  const deps = made;
  const states = () =>
    here.ask(
      `select state, firing from nighttrain.alert where rule = 'schedule-paused' and dataset = 'fares'`,
    );
  await until(async () => {
    await putEnginesRight(deps);
    return (await states()).length === 1;
  }, 20_000);
  const old = pauseNote('the first (ana)', new Date(Date.now() - 1_000).toISOString());
  const pausedSchedules = () => Promise.resolve([{ dataset: 'fares', note: old }]);
  await putEnginesRight({ ...deps, upkeep: { ...deps.upkeep, pausedSchedules } });
  expect(await states()).toEqual([{ state: 'firing', firing: 1 }]);
});
