import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { addDays, localDate } from '../../rules/business-date.ts';
import type { Dataset } from '../../rules/dataset.ts';
import type { DatasetDay } from '../../rules/dataset-day.ts';
import { WarehouseUnavailable } from '../../rules/errors.ts';
import { openLoadSession } from '../../warehouse/data-source.ts';
import type { Eviction } from '../../warehouse/evict.ts';
import { CONTROL_ID, TASK_QUEUE, type SweepRequest } from '../../workflows/messages.ts';
import { fares, tickets } from '../support/datasets.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse, shareHouse, type House } from '../support/house.ts';
import { dayOf, until } from '../support/intake.ts';

const schedule = { at: '00:00', dueBy: '00:01', timeZone: 'UTC', cadence: 'daily', after: [] } as const;
const scheduled: Dataset = { ...fares, schedule };

const house = shareHouse({ datasets: [scheduled, tickets] });

/** One sweep, as its schedule starts it. */
async function sweep(here: House, of: SweepRequest['of'] = 'nights'): Promise<void> {
  await here.client.workflow.execute('sweep', {
    workflowId: `sweep/${of}/${randomUUID()}`,
    taskQueue: TASK_QUEUE,
    args: [{ of } satisfies SweepRequest],
  });
}

const alerts = (rule: string) =>
  house().ask<{ dataset: string; date: string; state: string; times: number }>(
    `select dataset, business_date as date, state, times from nighttrain.alert where rule = $1 order by business_date`,
    [rule],
  );

test('R13: an attempt whose workflow was terminated is closed, and its session ended', async () => {
  const day = '2024-05-01';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
  const held = house().wire.hold('COMMIT');
  const load = await house().start('fares', day);
  const commit = await held;
  await load.terminate('an operator without patience');
  await house().ask(
    `update nighttrain.attempt set started_at = started_at - interval '1 minute' where business_date = $1`,
    [day],
  );
  expect(await house().loadSessions({ dataset: 'fares', businessDate: dayOf(day) })).toHaveLength(1);

  await sweep(house());
  expect(await house().attempts('fares', day)).toMatchObject([
    { state: 'failed', error: { name: 'Abandoned' } },
  ]);
  expect(await house().loadSessions({ dataset: 'fares', businessDate: dayOf(day) })).toEqual([]);
  commit.cut();
  expect(await house().ask('select from warehouse.fare where business_date = $1', [day])).toEqual([]);
});

test('an attempt whose workflow runs is left alone, however old it is', async () => {
  const day = '2024-05-02';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
  const held = house().wire.hold('COMMIT');
  const load = await house().start('fares', day);
  const commit = await held;
  await house().ask(
    `update nighttrain.attempt set started_at = started_at - interval '1 hour' where business_date = $1`,
    [day],
  );
  await sweep(house());
  expect(await house().loadSessions({ dataset: 'fares', businessDate: dayOf(day) })).toHaveLength(1);
  await commit.release();
  await load.result();
  expect(await house().attempts('fares', day)).toMatchObject([{ state: 'loaded' }]);
});

test('R12: a zombie that does not go away keeps no other from being ended, and no missing night from being reported', async () => {
  const [stuck = '', other = ''] = ['2024-05-10', '2024-05-11'].map((date) => `nt:fares:${date}:1`);
  await using own = await openHouse({ datasets: [scheduled] });
  await own.startWorker((deps) => {
    const end: Eviction['end'] = async (session) => {
      if (session.applicationName === stuck) throw new WarehouseUnavailable('It does not go away');
      await deps.eviction.end(session);
    };
    return { ...deps, eviction: { ...deps.eviction, end } };
  });
  for (const name of [stuck, other]) await own.open(own.loaderUrl, name); // of days that nobody ever took over
  const owed = addDays(localDate(new Date().toISOString(), 'UTC'), -3);
  await own.ask('update nighttrain.dataset_policy set scheduled_since = $1', [owed]);

  await expect(sweep(own)).rejects.toThrow('Workflow execution failed');
  expect(await own.loadSessions()).toEqual([stuck]);
  expect(await own.ask(`select from nighttrain.alert where rule = 'night-missing'`)).not.toEqual([]);
});

test('R6: a session of an old epoch is ended; one of the current epoch stays', async () => {
  const day: DatasetDay = { dataset: 'tickets', businessDate: dayOf('2024-05-03') };
  for (const owner of ['run-1', 'run-2']) {
    await house().ask('select nighttrain.take_over($1, $2, $3)', [day.dataset, day.businessDate, owner]);
  }
  const zombie = await openLoadSession(house().loaderUrl, day, 1);
  const current = await openLoadSession(house().loaderUrl, day, 2);
  await sweep(house());
  expect(await house().loadSessions(day)).toEqual(['nt:tickets:2024-05-03:2']);
  for (const session of [zombie, current]) {
    session.cut();
    await session.source.destroy().catch(() => undefined); // the zombie's connection is gone already
  }
});

test('R12: a night past its deadline is reported once, also where nothing ever started, and resolved once it is loaded', async () => {
  const today = localDate(new Date().toISOString(), 'UTC');
  const since = addDays(today, -3);
  await house().ask(`update nighttrain.dataset_policy set scheduled_since = $1 where dataset = 'fares'`, [
    since,
  ]);
  await sweep(house());
  await sweep(house());
  const due = (await alerts('night-missing')).map(({ date }) => date);
  expect(due).toContain(since);
  expect(due).not.toContain(today); // its night is not over
  const ofSince = async () => (await alerts('night-missing')).filter(({ date }) => date === since);
  const found = await ofSince();
  expect(found).toMatchObject([{ dataset: 'fares', state: 'firing' }]);
  expect(found[0]?.times).toBeGreaterThanOrEqual(2); // the house sweeps every minute by itself

  await house().put('fares', `${since}.csv`, fareLines(since, { good: 3 }));
  await house().run('fares', since);
  await sweep(house());
  expect(await ofSince()).toMatchObject([{ dataset: 'fares', state: 'resolved' }]);
});

test('a schedule that is gone is made again; one that is paused stays so, and is reported once', async () => {
  const handle = house().client.schedule.getHandle('nighttrain/fares');
  await handle.delete();
  await sweep(house());
  expect((await handle.describe()).state.paused).toBe(false);

  await handle.pause('the source is being moved');
  await until(async () => {
    await sweep(house());
    return (await alerts('schedule-paused')).length > 0; // listing lags behind a little
  }, 20_000);
  expect(await alerts('schedule-paused')).toMatchObject([{ dataset: 'fares', state: 'firing' }]);
  await handle.unpause();
});

test('control that was terminated runs again after a sweep, and answers', async () => {
  await house().client.workflow.getHandle(CONTROL_ID).terminate('somebody tidied up');
  await sweep(house());
  await house().put('tickets', '2024-05-04.csv', ['ticket,changed,state', '1,1,sold']);
  expect(await house().replay('tickets', '2024-05-04')).toMatchObject({ state: 'loaded' });
});

test('R19: landing that nobody knows is removed, and replaced versions past their time are dropped; nothing else is', async () => {
  await using own = await openHouse({ datasets: [fares] });
  await own.startWorker();
  const day = '2024-05-05';
  await own.put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
  await own.run('fares', day);
  await own.replay('fares', day);
  const forgotten = join(own.folder, 'landing/fares/2020-01-01/7/landed');
  await mkdir(forgotten, { recursive: true });
  await writeFile(join(forgotten, 'part-00001.csv'), 'left by a database that is gone');
  const history = async () =>
    (
      await own.ask<{ n: number }>(
        `select count(*)::int as n from pg_tables where schemaname = 'warehouse_history' and tablename like 'fare_2024%'`,
      )
    )[0]?.n;

  await sweep(own, 'storage');
  expect(existsSync(forgotten)).toBe(false);
  expect(existsSync(join(own.folder, 'landing/fares', day))).toBe(true);
  expect(await history()).toBe(1); // thirty days are not over

  await own.ask(`update nighttrain.dataset_policy set history_days = 0`);
  await sweep(own, 'storage');
  expect(await history()).toBe(0);
  expect(await own.ask('select from warehouse.fare where business_date = $1', [day])).toHaveLength(3);
});
