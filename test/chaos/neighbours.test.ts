import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Dataset } from '../../rules/dataset.ts';
import { fares } from '../support/datasets.ts';
import { endingOf } from '../support/ending.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse } from '../support/house.ts';
import { until } from '../support/intake.ts';

const day = '2013-02-01';
const schedule = { at: '12:00', dueBy: '11:59', timeZone: 'UTC', cadence: 'daily', after: [] } as const;
const scheduled: Dataset = { ...fares, schedule };

const STARTED = /^started: load\/fares\/2013-02-01 run [\w-]+$/;
const IS_TAKEN = /is being loaded by another run$|was cancelled, by an operator or by who took the day over$/;
const IS_BEING_LOADED =
  /^refused: fares of 2013-02-01 is being loaded by another run of load\/fares\/2013-02-01$/;

test('R6: of two installations on one server neither evicts the other', async () => {
  await using left = await openHouse();
  await using right = await openHouse();
  await left.startWorker();
  await right.startWorker();
  for (const house of [left, right]) await house.put('fares', `${day}.csv`, fareLines(day, { good: 20 }));
  const sent = left.wire.hold('COMMIT');
  const night = await left.start('fares', day);
  const commit = await sent;
  const [session] = await left.loadSessions();
  // The same dataset, the same day, the same role, and higher epochs.
  expect(await right.run('fares', day)).toMatchObject({ state: 'loaded' });
  for (let replays = 0; replays < 2; replays++) {
    expect(await right.replay('fares', day, { takeOver: true })).toMatchObject({ state: 'loaded' });
  }
  expect(await left.loadSessions()).toEqual([session]);
  expect(await commit.release()).toBe('CommandComplete');
  expect(await endingOf(night)).toMatchObject({ state: 'loaded', receipt: { epoch: 2 } });
});

test('R11: 20 replays, some of which take over, and one nightly at the same moment: one version, and 20 clear answers', async () => {
  await using house = await openHouse({ datasets: [scheduled] });
  await house.startWorker();
  await house.put('fares', `${day}.csv`, fareLines(day, { good: 20 }));
  // As VACUUM does, this keeps everybody from publishing: nobody is done before all are answered.
  const vacuum = house.database.createQueryRunner();
  await vacuum.startTransaction();
  await vacuum.query('lock table warehouse.fare in share update exclusive mode');

  const replays = Array.from({ length: 20 }, (_, index) => ({
    requestId: randomUUID(),
    takeOver: index % 4 === 0,
  }));
  const slot = new Date('2013-02-02T12:00:00Z');
  const schedule = house.client.schedule.getHandle('nighttrain/fares');
  await Promise.all([
    schedule.backfill({ start: slot, end: slot, overlap: 'ALLOW_ALL' }),
    ...replays.map((replay) => house.signal('replayDay', house.replayPayload('fares', day, replay))),
  ]);
  const nightly = house.client.workflow.getHandle('nightly/fares-2013-02-02T12:00:00Z');
  const answers = await Promise.all(
    replays.map(async ({ requestId, takeOver }) => ({ takeOver, ...(await house.answerTo(requestId)) })),
  );
  await until(async () => (await nightly.describe().catch(() => undefined)) !== undefined, 20_000);
  expect(await endingOf(nightly)).toMatchObject({
    state: 'failed',
    error: { message: expect.stringMatching(IS_TAKEN) as unknown },
  });
  await vacuum.rollbackTransaction();
  await vacuum.release();

  const runs = new Set<string>();
  for (const { takeOver, state, answer } of answers) {
    if (state === 'started') runs.add(answer);
    expect(`${state}: ${answer}`).toMatch(
      takeOver ? STARTED : new RegExp(`${STARTED.source}|${IS_BEING_LOADED.source}`),
    );
  }
  expect(runs.size).toBe(answers.filter(({ state }) => state === 'started').length);
  expect(await endingOf(house.load('fares', day))).toMatchObject({ state: 'loaded' });
  expect(await house.ask('select count(*) as batches from nighttrain.load_batch')).toEqual([{ batches: 1 }]);
  const attempts = await house.attempts('fares', day);
  expect(attempts.at(-1)).toMatchObject({ kind: 'replay', state: 'loaded' });
  expect(attempts.slice(0, -1).every(({ state }) => state === 'cancelled')).toBe(true);
});

test('R11: 10 replays that each take the day over go one after the other, and the last one loads it', async () => {
  await using house = await openHouse();
  await house.startWorker();
  await house.put('fares', `${day}.csv`, fareLines(day, { good: 20 }));
  const replays = Array.from({ length: 10 }, () => randomUUID());
  await Promise.all(
    replays.map((requestId) =>
      house.signal('replayDay', house.replayPayload('fares', day, { requestId, takeOver: true })),
    ),
  );
  const answers = await Promise.all(replays.map((requestId) => house.answerTo(requestId)));
  for (const { state, answer } of answers) {
    expect(`${state}: ${answer}`).toMatch(/^started: load\/fares\/2013-02-01 run /);
  }
  expect(await endingOf(house.load('fares', day))).toMatchObject({ state: 'loaded' });
});
