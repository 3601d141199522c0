import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest';
import type { Deps } from '../../activities/deps.ts';
import { openHouse, type House } from '../support/house.ts';
import { until } from '../support/intake.ts';
import { keepFigure, pagingBy, smsTo } from '../support/paging.ts';
import { alertOf, endOfPaging, putOnCall } from '../support/recorded-pages.ts';
import { TwilioStub } from '../support/twilio.ts';
import { EngineRoom } from './engine-room.ts';

const ANA = '+33611111111';
const BO = '+33622222222';
const ON_CALL = `
people:
  ana: { name: Ana, channels: [{ sms: '${ANA}' }] }
  bo: { name: Bo, channels: [{ sms: '${BO}' }] }
levels:
  - { people: [ana], timeoutMinutes: 0.1 }
  - { people: [bo], timeoutMinutes: 10 }
`;
const LEVEL_MS = 6_000;

let room: EngineRoom;
let house: House;
let twilio: TwilioStub;
let deps: Deps;

beforeAll(async () => {
  room = await EngineRoom.open();
  twilio = await TwilioStub.start();
  house = await openHouse({ datasets: [], paging: { ...pagingBy(twilio), callbacks: undefined } });
  await putOnCall(house, ON_CALL);
  await house.startWorker((made) => (deps = made));
});
afterAll(async () => {
  await house[Symbol.asyncDispose]();
  await twilio[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});
beforeEach(() => onTestFailed(() => void process.stderr.write(`${house.lines.slice(-60).join('')}\n`)));

async function raise() {
  const subject = randomUUID();
  const sentence = `${subject} was not loaded`;
  await deps.alarm.raise({ rule: 'night-failed', dataset: null, businessDate: null, subject, sentence });
  return subject;
}

/** Acknowledges by signal, as an operator does with Temporal's own tool. */
async function acknowledge(subject: string): Promise<void> {
  const { alertId } = await alertOf(house, 'night-failed', subject);
  await house.client.workflow.getHandle(`alert/${alertId}`).signal('acknowledge', { by: 'bo' });
  expect(await endOfPaging(house, alertId)).toBe('answered');
  await until(async () => (await alertOf(house, 'night-failed', subject)).state === 'acknowledged');
}

test('PostgreSQL goes down while level 1 is asked: level 2 is paged without it, and the archive hears of it later', async () => {
  const subject = await raise();
  const first = await smsTo(twilio, ANA, subject);
  const { alertId } = await alertOf(house, 'night-failed', subject);
  await room.strike('postgres');
  const second = await smsTo(twilio, BO, subject, 60_000);
  expect(second.at - first.at).toBeLessThan(LEVEL_MS + 15_000);
  await house.client.workflow.getHandle(`alert/${alertId}`).signal('acknowledge', { by: 'bo' });
  await room.start();
  expect(await endOfPaging(house, alertId)).toBe('answered');
  const events = await house.ask<{ kind: string; note: string }>(
    'select kind, note from nighttrain.alert_event where alert_id = $1 order by seq',
    [alertId],
  );
  expect(events.map(({ kind }) => kind).sort()).toEqual(['acknowledged', 'fired', 'paged', 'paged']);
  expect(events.map(({ note }) => note)).toContain(
    'while the archive was away: round 1, level 2: bo by sms, sent',
  );
  await keepFigure(
    'PostgreSQL down while level 1 is asked',
    'SMS to level 2 without it, once its time was over',
    second.at - first.at - LEVEL_MS,
  );
});

test('PostgreSQL is down when an alert is raised: it waits in the spool, and pages once PostgreSQL is back', async () => {
  await room.strike('postgres');
  const subject = await raise();
  await room.start();
  const backAt = Date.now();
  const { at } = await smsTo(twilio, ANA, subject, 90_000);
  expect(at - backAt).toBeLessThan(75_000); // the sweep comes every minute
  await acknowledge(subject);
  await keepFigure(
    'PostgreSQL down when the alert is raised',
    'SMS, after PostgreSQL was back (meanwhile the watchdog pages)',
    at - backAt,
  );
}, 120_000);

test('Temporal is down when the time of level 1 is over: level 2 is paged as soon as it is back', async () => {
  const subject = await raise();
  await smsTo(twilio, ANA, subject);
  await room.strike('temporal');
  const struckAt = Date.now();
  await until(() => Date.now() > struckAt + LEVEL_MS, 10_000);
  await room.start();
  const backAt = Date.now();
  const { at } = await smsTo(twilio, BO, subject, 60_000);
  expect(at - backAt).toBeLessThan(20_000);
  await acknowledge(subject);
  await keepFigure(
    'Temporal killed while level 1 is asked, back after its time',
    'SMS to level 2, after Temporal was back',
    at - backAt,
  );
});

test('Temporal is down when an alert is raised: archived, and paged by the sweep once it is back', async () => {
  await room.strike('temporal');
  const subject = await raise();
  expect(await alertOf(house, 'night-failed', subject)).toMatchObject({ paging: 'due' });
  await room.start();
  const backAt = Date.now();
  const { at } = await smsTo(twilio, ANA, subject, 90_000);
  expect(at - backAt).toBeLessThan(80_000); // the sweep comes every minute
  await acknowledge(subject);
  await keepFigure(
    'Temporal down when the alert is raised',
    'SMS, after Temporal was back (meanwhile the watchdog pages)',
    at - backAt,
  );
}, 120_000);
