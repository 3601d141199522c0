import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { addDays, daysBetween } from '../../rules/business-date.ts';
import type { Dataset } from '../../rules/dataset.ts';
import { TASK_QUEUE } from '../../workflows/messages.ts';
import { fares } from '../support/datasets.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse, type House } from '../support/house.ts';
import { Command, type Answer } from '../support/installation.ts';
import { dayOf, until } from '../support/intake.ts';
import { useEngines } from '../support/shared-engines.ts';
import { ownClock } from './own-clock.ts';
import { TemporalInAnotherTime } from './temporal-in-another-time.ts';

/*
 * Nights are a day apart. Here Temporal is the real one with the product's own schedules, and it is really down; its
 * clock alone is set to another day whenever it starts. What it then catches up, and for which slots, is its own doing.
 */

const schedule = {
  at: '03:30',
  dueBy: '06:00',
  timeZone: 'Europe/Paris',
  cadence: 'daily',
  after: [],
} as const;
const scheduled: Dataset = { ...fares, schedule };

let temporal: TemporalInAnotherTime;
let house: House;

beforeEach(async () => {
  temporal = await TemporalInAnotherTime.open();
});
afterEach(async () => {
  await house[Symbol.asyncDispose]();
  await temporal[Symbol.asyncDispose]();
});

/** A house in which it is that instant, with a source that has every day of the month. */
async function openHouseAt(instant: string, owedSince: string): Promise<void> {
  await temporal.startAt(instant);
  const temporalAddress = temporal.address;
  useEngines({ databaseUrl: inject('databaseUrl'), runFolder: inject('runFolder'), temporalAddress });
  house = await openHouse({ datasets: [scheduled] });
  await house.ask(`update nighttrain.dataset_policy set scheduled_since = $1 where dataset = 'fares'`, [
    owedSince,
  ]);
  for (const day of daysBetween(dayOf(owedSince), addDays(dayOf(owedSince), 30)))
    await house.put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
  await house.startWorker();
  await scheduleInfo(); // what Temporal had not begun to keep when it was killed it does not catch up
}

/** Temporal is down from now until the instant. */
async function beDownUntil(instant: string): Promise<void> {
  await temporal.kill();
  await temporal.startAt(instant);
}

/** How often the ledger has each date. */
const ledger = () =>
  house.ask<{ date: string; batches: number; rows: number }>(
    `select business_date as date, count(*)::int as batches, sum(rows_loaded)::int as rows
     from nighttrain.load_batch where dataset = 'fares' group by 1 order by 1`,
  );
const once = (...dates: string[]) => dates.map((date) => ({ date, batches: 1, rows: 3 }));

/** The slots for which nights were started, by what Temporal has of them. */
async function slots(): Promise<string[]> {
  const started: string[] = [];
  for await (const { searchAttributes } of house.client.workflow.list({ query: `WorkflowType = 'nightly'` }))
    started.push(new Date(String(searchAttributes['TemporalScheduledStartTime'])).toISOString());
  return started.sort();
}

async function scheduleInfo() {
  const { info } = await house.client.schedule.getHandle('nighttrain/fares').describe();
  return {
    taken: info.numActionsTaken,
    skipped: info.numActionsMissedCatchupWindow,
    next: info.nextActionTimes[0]?.toISOString(),
  };
}

/** One more of the sweeps that the schedule starts every minute. */
const sweep = () =>
  house.client.workflow.execute('sweep', {
    workflowId: 'sweep/now',
    taskQueue: TASK_QUEUE,
    args: [{ of: 'nights' }],
  });

const missing = async (state: 'firing' | 'resolved') => {
  const rows = await house.ask<{ date: string }>(
    `select business_date as date from nighttrain.alert where rule = 'night-missing' and state = $1 order by 1`,
    [state],
  );
  return rows.map(({ date }) => date);
};

/** A command of the operator, who lives in the same time. */
async function nighttrain(...line: string[]): Promise<Answer> {
  const project = join(house.folder, 'project');
  await mkdir(join(project, 'datasets'), { recursive: true });
  await writeFile(join(project, 'package.json'), '{"type": "module"}\n');
  const declarations = JSON.stringify(resolve('test/support/datasets.ts'));
  await writeFile(
    join(project, 'datasets/fares.ts'),
    `import { fares } from ${declarations};\nexport default { ...fares, schedule: ${JSON.stringify(schedule)} };\n`,
  );
  const env = {
    ...process.env,
    ...ownClock(),
    NIGHTTRAIN_HOME: house.folder,
    NIGHTTRAIN_DATABASE_URL: house.loaderUrl,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: house.name,
  };
  return new Command(line, env, project).answer();
}

test.each([
  {
    change: 'autumn',
    before: '2024-10-26T06:00:00Z',
    after: '2024-10-28T08:00:00Z',
    dates: ['2024-10-26', '2024-10-27'],
    nights: ['2024-10-27T02:30:00.000Z', '2024-10-28T02:30:00.000Z'],
    next: '2024-10-29T02:30:00.000Z',
  },
  {
    change: 'spring',
    before: '2024-03-30T06:00:00Z',
    after: '2024-04-01T08:00:00Z',
    dates: ['2024-03-30', '2024-03-31'],
    nights: ['2024-03-31T01:30:00.000Z', '2024-04-01T01:30:00.000Z'],
    next: '2024-04-02T01:30:00.000Z',
  },
])(
  'R12: Temporal down over two nights, one of them that of the $change change: each date is loaded once, as its own',
  async ({ before, after, dates, nights, next }) => {
    const [first = '', second = ''] = dates;
    await openHouseAt(before, first);
    const held = house.wire.hold('COMMIT', { from: `nt:fares:${first}` });
    await beDownUntil(after);
    const commit = await held;
    await sweep();
    expect(await missing('firing')).toContain(first); // on its way, and past its deadline all the same
    await commit.release();
    await until(async () => (await ledger()).length === 2, 30_000);
    expect(await ledger()).toEqual(once(first, second));
    await until(async () => (await slots()).length >= 2);
    expect(await slots()).toEqual(nights);
    expect(await scheduleInfo()).toEqual({ taken: 2, skipped: 0, next });
    await sweep();
    expect(await missing('firing')).toEqual([]);
    expect(await missing('resolved')).toContain(first);
  },
);

test('R12: nights older than the seven days of the catch-up are reported as missing, and a backfill loads them', async () => {
  await openHouseAt('2024-06-01T12:00:00Z', '2024-06-01');
  await beDownUntil('2024-06-11T12:00:00Z');
  const caughtUp = ['2024-06-04', '2024-06-05', '2024-06-06', '2024-06-07', '2024-06-08', '2024-06-09'];
  const tooOld = ['2024-06-01', '2024-06-02', '2024-06-03'];
  await until(async () => (await ledger()).length === 7, 30_000);
  expect(await ledger()).toEqual(once(...caughtUp, '2024-06-10'));
  expect(await scheduleInfo()).toMatchObject({ taken: 7, skipped: 3 });
  await sweep();
  expect(await missing('firing')).toEqual(tooOld);

  const range = ['--from', '2024-06-01', '--to', '2024-06-10'];
  const answer = await nighttrain('backfill', 'fares', ...range, '--json');
  expect(answer).toMatchObject({ code: 0, stderr: expect.any(String) as string });
  expect(JSON.parse(answer.stdout)).toMatchObject({ started: 3, loaded: 10, missing: [] });
  expect(await ledger()).toEqual(once(...tooOld, ...caughtUp, '2024-06-10'));
  await sweep();
  expect(await missing('firing')).toEqual([]);
});
