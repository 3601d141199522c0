import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { CONTROL_ID } from '../../workflows/messages.ts';
import { endingOf, receiptOf } from '../support/ending.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse, shareHouse } from '../support/house.ts';
import { until } from '../support/intake.ts';

const house = shareHouse();

/** Sends a signal whose payload is these bytes. */
async function signalBytes(name: string, encoding: string, data: Buffer): Promise<void> {
  await house().client.workflowService.signalWorkflowExecution({
    namespace: house().name,
    workflowExecution: { workflowId: CONTROL_ID },
    signalName: name,
    input: { payloads: [{ metadata: { encoding: Buffer.from(encoding) }, data }] },
  });
}

/** The request that the signal becomes: the newest one that was not there before. */
async function requestOf(send: () => Promise<void>) {
  const before = (await house().requests()).length;
  await send();
  await until(async () => (await house().requests()).length > before, 20_000);
  const newest = (await house().requests()).at(-1);
  if (!newest) throw new Error('there is no request');
  return newest;
}

test('a plain signal replays a day, and its answer names the run', async () => {
  const day = '2024-09-01';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
  await house().run('fares', day);
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 4 }));
  expect(receiptOf(await house().replay('fares', day)).counts.loaded).toBe(4);
  expect((await house().attempts('fares', day)).map(({ kind, state }) => ({ kind, state }))).toEqual([
    { kind: 'run', state: 'loaded' },
    { kind: 'replay', state: 'loaded' },
  ]);
});

test.each<[string, unknown, RegExp]>([
  ['nothing', undefined, /no JSON object/],
  ['a list', ['fares'], /no JSON object/],
  ['a text', 'fares', /no JSON object/],
  ['no dataset', { businessDate: '2024-09-02', requestedBy: 'me', reason: 'r' }, /dataset must be a text/],
  [
    'a number for a date',
    { dataset: 'fares', businessDate: 20240902, requestedBy: 'me', reason: 'r' },
    /businessDate must be a text/,
  ],
  [
    'a day that is none',
    { dataset: 'fares', businessDate: '2024-02-30', requestedBy: 'me', reason: 'r' },
    /not a day/,
  ],
  [
    'a day to come',
    { dataset: 'fares', businessDate: '2999-01-01', requestedBy: 'me', reason: 'r' },
    /lies in the future/,
  ],
  [
    'a dataset that is none',
    { dataset: 'fairs', businessDate: '2024-09-02', requestedBy: 'me', reason: 'r' },
    /no dataset 'fairs'/,
  ],
  [
    'a field too many',
    { dataset: 'fares', businessDate: '2024-09-02', requestedBy: 'me', reason: 'r', force: true },
    /unknown field force/,
  ],
  [
    'no reason',
    { dataset: 'fares', businessDate: '2024-09-02', requestedBy: 'me', reason: ' ' },
    /reason must be a text/,
  ],
  [
    'an id that is none',
    { dataset: 'fares', businessDate: '2024-09-02', requestedBy: 'me', reason: 'r', requestId: 'a b' },
    /requestId/,
  ],
  ['a NUL', { dataset: 'fa\0res', businessDate: '2024-09-02', requestedBy: 'me', reason: 'r' }, /NUL/],
])('replayDay with %s is recorded as refused', async (_, payload, answer) => {
  const request = await requestOf(() => house().signal('replayDay', payload));
  expect(request).toMatchObject({
    kind: 'replayDay',
    state: 'refused',
    answer: expect.stringMatching(answer) as unknown,
  });
});

test('a signal that nobody knows is recorded as refused', async () => {
  expect(await requestOf(() => house().signal('replayYesterday', { dataset: 'fares' }))).toMatchObject({
    kind: 'replayYesterday',
    state: 'refused',
    payload: [{ dataset: 'fares' }],
  });
});

test('a signal whose name Temporal keeps for itself is recorded as refused, and control lives on', async () => {
  expect(await requestOf(() => house().signal('__temporal_replay', 1))).toMatchObject({ state: 'refused' });
  expect(await requestOf(() => house().signal('__stack_trace'))).toMatchObject({ state: 'refused' });
});

test.each([
  ['no text', 'binary/plain', Buffer.from([0, 255, 254])],
  ['broken JSON', 'json/plain', Buffer.from('{"dataset": "fares"')],
  ['JSON in no encoding', 'json/plain', Buffer.from([0x7b, 0xff])],
  ['an encoding of somebody else', 'binary/encrypted', Buffer.from('x')],
  ['a protobuf that is none', 'json/protobuf', Buffer.from('{}')],
])('a payload that is %s is recorded as refused, and control lives on', async (_, encoding, data) => {
  expect(await requestOf(() => signalBytes('replayDay', encoding, data))).toMatchObject({ state: 'refused' });
  expect(await requestOf(() => signalBytes('somethingElse', encoding, data))).toMatchObject({
    state: 'refused',
  });
});

test('a request that comes twice is done once', async () => {
  const day = '2024-09-03';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
  const payload = house().replayPayload('fares', day, { requestId: 'twice' });
  await house().signal('replayDay', payload);
  await endingOf(house().load('fares', day, (await house().answerTo('twice')).answer.split(' run ')[1]));
  await house().signal('replayDay', payload);
  // What came after it is answered: so was it.
  expect(await requestOf(() => house().signal('last'))).toMatchObject({ state: 'refused' });
  expect(await house().attempts('fares', day)).toHaveLength(1);
});

test('R11: a replay of a day that is being loaded is refused and told by whom, unless it takes over', async () => {
  const day = '2024-09-04';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
  const held = house().wire.hold('COPY');
  const first = await house().start('fares', day);
  await held;
  await house().signal('replayDay', house().replayPayload('fares', day, { requestId: 'meanwhile' }));
  expect(await house().answerTo('meanwhile')).toMatchObject({
    state: 'refused',
    answer: `fares of ${day} is being loaded by another run of load/fares/${day}`,
  });
  const ending = await house().replay('fares', day, { takeOver: true });
  expect(receiptOf(ending)).toMatchObject({ counts: { loaded: 3 } });
  expect(await endingOf(first)).toMatchObject({ state: 'cancelled' });
  expect((await house().attempts('fares', day)).map(({ state }) => state)).toEqual(['cancelled', 'loaded']);
});

test('R11: of two runs and a replay at the same day one loads, and the others are told', async () => {
  const day = '2024-09-05';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
  const held = house().wire.hold('COMMIT');
  const winner = await house().start('fares', day);
  const commit = await held;
  await expect(house().start('fares', day)).rejects.toThrow(/already started/i);
  await house().signal('replayDay', house().replayPayload('fares', day, { requestId: 'loser' }));
  expect(await house().answerTo('loser')).toMatchObject({ state: 'refused' });
  await commit.release();
  expect(await endingOf(winner)).toMatchObject({ state: 'loaded', alreadyLoaded: false });
  expect(await house().run('fares', day)).toMatchObject({ state: 'loaded', alreadyLoaded: true });
  expect(await house().attempts('fares', day)).toHaveLength(1);
});

test('R14: payloads that are huge are cut, and nothing pending is lost when control continues as new', async () => {
  const day = '2024-09-06';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
  const before = await house().client.workflow.getHandle(CONTROL_ID).describe();
  const known = (await house().requests()).length;
  const huge = 'x'.repeat(1_500_000); // Temporal itself takes no more than 2 MB
  const ids = Array.from({ length: 6 }, () => randomUUID());
  for (const requestId of ids) {
    await house().signal('replayDay', { dataset: huge });
    await house().signal('replayDay', house().replayPayload('fares', day, { requestId }));
  }
  await until(async () => (await house().requests()).length === known + 12, 30_000);
  for (const id of ids) expect((await house().answerTo(id)).state).toMatch(/started|refused/);
  const cut = (await house().requests()).filter(({ payload }) => JSON.stringify(payload).includes('"cut"'));
  expect(cut).toHaveLength(6);
  await until(async () => {
    const now = await house().client.workflow.getHandle(CONTROL_ID).describe();
    return now.status.name === 'RUNNING' && now.runId !== before.runId;
  });
  expect(await requestOf(() => house().signal('afterwards'))).toMatchObject({ state: 'refused' });
  await until(async () => (await house().attempts('fares', day)).every(({ state }) => state !== 'running'));
});

test('R14: more requests than one payload holds, sent while no worker was up, are all answered', async () => {
  await using own = await openHouse();
  await (await own.startWorker()).stop(); // control is there, and nobody works for it
  const large = 'x'.repeat(10_000);
  await Promise.all(Array.from({ length: 550 }, () => own.signal('replayDay', { dataset: large })));
  await own.startWorker();
  await until(async () => (await own.requests()).length === 550, 30_000);
  await own.signal('afterwards');
  await until(async () => (await own.requests()).some(({ kind }) => kind === 'afterwards'), 20_000);
  expect((await own.requests()).every(({ state }) => state === 'refused')).toBe(true);
});
