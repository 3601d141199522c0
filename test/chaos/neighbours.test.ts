import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { endingOf } from '../support/ending.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse } from '../support/house.ts';

const day = '2013-02-01';

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

test('R11: 20 replays and one nightly at the same moment: one version, and 20 clear answers', async () => {
  await using house = await openHouse();
  await house.startWorker();
  await house.put('fares', `${day}.csv`, fareLines(day, { good: 20 }));
  const sent = house.wire.hold('COMMIT'); // of whoever wins
  const replays = Array.from({ length: 20 }, () => randomUUID());
  const nightly = house.start('fares', day, 'nightly').catch((error: unknown) => error);
  const signals = replays.map((requestId) =>
    house.signal('replayDay', house.replayPayload('fares', day, { requestId })),
  );
  await Promise.all([nightly, ...signals]);
  const answers = await Promise.all(replays.map((requestId) => house.answerTo(requestId)));
  await (await sent).release();
  expect(await endingOf(house.load('fares', day))).toMatchObject({ state: 'loaded' });

  const started = answers.filter(({ state }) => state === 'started');
  const refused = answers.filter(({ state }) => state === 'refused');
  expect(started.length + refused.length).toBe(20);
  expect(started.length).toBeLessThanOrEqual(1); // none where the nightly won
  for (const { answer } of refused) {
    expect(answer).toBe(`fares of ${day} is being loaded by another run of load/fares/${day}`);
  }
  expect(await house.ask('select count(*) as batches from nighttrain.load_batch')).toEqual([{ batches: 1 }]);
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
