import { expect, test } from 'vitest';
import { Output } from '../../cli/output.ts';
import { sendRequest } from '../../cli/requests.ts';
import { ensureControl } from '../../worker/control.ts';
import { CONTROL_ID, replayDay, TASK_QUEUE } from '../../workflows/messages.ts';
import { A_TIMER, answerTask, failTasks } from '../support/failing-tasks.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse, type House } from '../support/house.ts';
import { until } from '../support/intake.ts';

/** Tries after which control is taken to be stuck. */
const STUCK = 10;

/** Where no worker has been yet. */
async function startControl(house: House, ...args: unknown[]): Promise<void> {
  await house.client.workflow.start('control', { workflowId: CONTROL_ID, taskQueue: TASK_QUEUE, args });
}

test('what a control of an older version had not answered is answered by the one that is started in its place', async () => {
  const day = '2024-09-20';
  await using house = await openHouse();
  await house.put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
  await startControl(house);
  await answerTask(house, [A_TIMER]);
  await house.signal('replayDay', house.replayPayload('fares', day, { requestId: 'named' }));
  await house.signal('replayDay', { dataset: 'fares' });
  await house.signal('replayDay', house.replayPayload('fares', '2999-01-01'));
  await house.signal('replayTomorrow', { by: 'a newer command line' });
  await failTasks(house, STUCK);

  await house.startWorker();
  expect(await house.answerTo('named')).toMatchObject({ state: 'started' });
  await until(async () => (await house.requests()).length === 4, 20_000);
  expect((await house.requests()).filter(({ state }) => state === 'refused')).toHaveLength(3);
  await house.load('fares', day).result();
  expect(await house.attempts('fares', day)).toMatchObject([{ kind: 'replay', state: 'loaded' }]);
});

test.each([
  ['nothing', [null]],
  ['a text', ['fares']],
  ['a list of anything', [[1, 'two', { kind: 'replayDay' }, null]]],
])('control that somebody starts with %s works all the same', async (_, args) => {
  const day = '2024-09-21';
  await using house = await openHouse();
  await house.put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
  await startControl(house, ...args);
  await house.startWorker();
  expect(await house.replay('fares', day)).toMatchObject({ state: 'loaded' });
});

test('what was answered before control was terminated is not done again; what was not is done', async () => {
  const days = ['2024-09-22', '2024-09-23'] as const;
  await using house = await openHouse();
  for (const day of days) await house.put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
  const worker = await house.startWorker();
  await house.signal('replayDay', house.replayPayload('fares', days[0])); // names no id
  await until(async () => (await house.requests()).some(({ state }) => state === 'started'));
  await house.load('fares', days[0]).result();
  await worker.stop();
  await house.signal('replayDay', house.replayPayload('fares', days[1]));
  await house.client.workflow.getHandle(CONTROL_ID).terminate('somebody tidied up');

  await house.startWorker();
  await until(async () => (await house.requests()).filter(({ state }) => state === 'started').length === 2);
  await house.load('fares', days[1]).result();
  expect(await house.requests()).toHaveLength(2);
  for (const day of days) expect(await house.attempts('fares', day)).toHaveLength(1);
});

test('a request that is typed after control was terminated takes along what was left without an answer', async () => {
  await using house = await openHouse();
  await startControl(house);
  await house.signal('replayDay', house.replayPayload('fares', '2999-01-01', { requestId: 'left' }));
  await house.client.workflow.getHandle(CONTROL_ID).terminate('somebody tidied up');
  const engines = { client: house.client, warehouse: house.database };
  const typed = house.replayPayload('fares', '2999-01-02', { requestId: 'typed' });
  await sendRequest(engines, replayDay, typed, new Output(false));

  await house.startWorker();
  for (const id of ['left', 'typed']) expect(await house.answerTo(id)).toMatchObject({ state: 'refused' });
});

test('a request that control has died of three times is given up, and says so', async () => {
  await using house = await openHouse();
  await startControl(house);
  await house.signal('replayDay', house.replayPayload('fares', '2024-09-24', { requestId: 'deadly' }));
  for (let restarts = 1; restarts <= 4; restarts++) {
    expect(await house.requests()).toEqual([]);
    await failTasks(house, STUCK);
    expect(await ensureControl(house.client, house.database)).toMatch(/^its tasks fail/);
  }
  expect(await house.requests()).toMatchObject([
    {
      requestId: 'deadly',
      state: 'failed',
      answer: 'control was started anew 3 times without an answer to this; ask again',
    },
  ]);
});

test('R14: a control that is full of huge signals is read to its end', async () => {
  await using house = await openHouse();
  await startControl(house);
  const huge = 'x'.repeat(1_500_000);
  for (let signals = 0; signals < 4; signals++) await house.signal('replayDay', { dataset: huge });
  await house.client.workflow.getHandle(CONTROL_ID).terminate('somebody tidied up');
  await house.startWorker();
  await until(async () => (await house.requests()).length === 4, 20_000);
  expect((await house.requests()).every(({ state }) => state === 'refused')).toBe(true);
});

test('R14: what was left beyond one payload is told to ask again, and the rest is done', async () => {
  await using house = await openHouse();
  await startControl(house);
  const large = 'x'.repeat(4_500);
  const asked = 300; // some 4 kB each are kept of them: more than 1.2 MB
  await Promise.all(Array.from({ length: asked }, () => house.signal('replayDay', { dataset: large })));
  await house.client.workflow.getHandle(CONTROL_ID).terminate('somebody tidied up');
  await house.startWorker();
  await until(async () => (await house.requests()).length === asked, 20_000);
  const failed = (await house.requests()).filter(({ state }) => state === 'failed');
  expect(failed.length).toBeGreaterThan(0);
  expect(failed.length).toBeLessThan(asked / 2);
  expect(new Set(failed.map(({ answer }) => answer))).toEqual(
    new Set(['control was started anew, and too much was waiting; ask again']),
  );
});
