import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest';
import { alarmOf } from '../../alerting/alarm/alarm.ts';
import { acknowledge, resolve } from '../../alerting/archive/archive.ts';
import { recordNews } from '../../alerting/paging/deliveries.ts';
import type { Deps } from '../../activities/deps.ts';
import type { AlertRule } from '../../rules/alert-rules.ts';
import { AddressRejected } from '../../rules/errors.ts';
import { TASK_QUEUE, type SweepRequest } from '../../workflows/messages.ts';
import { openHouse, type House } from '../support/house.ts';
import { until } from '../support/intake.ts';
import { alertOf, endOfPaging, putOnCall, RecordingChannel, startPaging } from '../support/recorded-pages.ts';
import { unguarded } from '../support/unguarded.ts';

const ANA = '+33600000001';
const BO = '+33600000002';
const OWNER = '+33600000003';

/** Level 1 has three seconds; where waiting for it would be waiting for nothing, level 2 comes in far less. */
const ON_CALL = `
people:
  ana: { name: Ana, channels: [{ sms: '${ANA}' }] }
  bo: { name: Bo, channels: [{ email: bo@example.com }, { sms: '${BO}' }] }
  owner: { name: the owner of fares, channels: [{ sms: '${OWNER}' }] }
levels:
  - { people: [ana], timeoutMinutes: 0.05 }
  - { people: [bo], timeoutMinutes: 0.05 }
rounds: 2
quiet: [warn]
owners: { fares: [owner] }
`;

let house: House;
let deps: Deps;
const sms = new RecordingChannel('sms');
const email = new RecordingChannel('email', 'sent');

beforeAll(async () => {
  house = await openHouse();
  await putOnCall(house, ON_CALL);
  deps = await startPaging(house, { sms, email });
});
afterAll(() => house[Symbol.asyncDispose]());
/** Alerts of the test before must not make a storm with those of this one. */
beforeEach(() => unguarded(house.database, `update nighttrain.alert_event set at = at - interval '1 hour'`));
beforeEach(() => onTestFailed(() => void process.stderr.write(`${house.lines.slice(-40).join('')}\n`)));

/** Raises an alert of its own; by default one that no dataset has. */
async function raise({
  rule = 'night-failed',
  dataset = null,
}: { rule?: AlertRule; dataset?: string | null } = {}) {
  const subject = randomUUID();
  const raisedAt = Date.now();
  await deps.alarm.raise({
    rule,
    dataset,
    businessDate: null,
    subject,
    sentence: `Something about ${subject}`,
  });
  return { ...(await alertOf(house, rule, subject)), subject, rule, raisedAt };
}

test('level 1 is paged at once, level 2 once its time is over, and who acknowledges ends it', async () => {
  const { alertId, code, raisedAt } = await raise();
  const first = await sms.paged(alertId, ANA);
  expect(first.at - raisedAt).toBeLessThan(5_000);
  expect(first.page).toMatchObject({
    code,
    rule: 'night-failed',
    severity: 'error',
    runbook: 'replay-a-day',
  });
  const second = await sms.paged(alertId, BO);
  expect(second.at - raisedAt).toBeGreaterThanOrEqual(3_000);
  expect(await acknowledge(deps.warehouse, { code }, { by: 'bo', via: 'sms' })).toMatchObject({
    outcome: 'acknowledged',
  });
  await deps.escalations.alertChanged(alertId);
  expect(await endOfPaging(house, alertId)).toBe('answered');
  expect(sms.to(alertId)).toEqual([ANA, BO]);
  expect(email.to(alertId)).toEqual(['bo@example.com']);
});

test('who acknowledges within the time of level 1 spares level 2, by a plain signal too, whatever its payload', async () => {
  for (const payload of [[{ by: 'ana', note: 'on it' }], [], ['{no JSON']]) {
    const { alertId } = await raise();
    await sms.paged(alertId, ANA);
    await house.client.workflow.getHandle(`alert/${alertId}`).signal('acknowledge', ...payload);
    expect(await endOfPaging(house, alertId)).toBe('answered');
    expect(sms.to(alertId)).toEqual([ANA]);
  }
  const acknowledged = await house.ask(
    `select by_whom as by, via, note from nighttrain.alert_event where kind = 'acknowledged' and via = 'signal' order by seq`,
  );
  expect(acknowledged).toEqual([
    { by: 'ana', via: 'signal', note: 'on it' },
    { by: 'unknown', via: 'signal', note: '' },
    { by: 'unknown', via: 'signal', note: '' },
  ]);
});

test('an alert that is resolved while somebody is asked for it pages nobody else', async () => {
  const { alertId, code } = await raise();
  await sms.paged(alertId, ANA);
  await resolve(deps.warehouse, { code }, { by: 'ana', via: 'test' });
  await deps.escalations.alertChanged(alertId);
  expect(await endOfPaging(house, alertId)).toBe('answered');
  expect(sms.to(alertId)).toEqual([ANA]);
});

test('pages that fail call level 2 at once, those that are not delivered as soon as somebody says so', async () => {
  await using own = await openHouse();
  const slow = new RecordingChannel('slow', 'sent');
  await putOnCall(own, ON_CALL.replaceAll('timeoutMinutes: 0.05', 'timeoutMinutes: 60'));
  const { alarm, warehouse, escalations } = await startPaging(own, { sms: slow, email });
  const finding = { rule: 'night-failed', dataset: null, businessDate: null, sentence: 'It failed' } as const;
  slow.obstacles.set(ANA, () => Promise.reject(new AddressRejected('Twilio refuses the number')));
  await alarm.raise({ ...finding, subject: 'refused' });
  const refused = await alertOf(own, 'night-failed', 'refused');
  await slow.paged(refused.alertId, BO);
  expect(slow.to(refused.alertId)).toEqual([BO]);
  expect(
    await own.ask('select state, error from nighttrain.alert_delivery where address = $1', [ANA]),
  ).toEqual([{ state: 'failed', error: 'Twilio refuses the number' }]);
  slow.obstacles.clear();

  await alarm.raise({ ...finding, subject: 'told' });
  const told = await alertOf(own, 'night-failed', 'told');
  const { providerId } = await slow.paged(told.alertId, ANA);
  // The outbox learns of the id after the call.
  await until(
    async () => (await recordNews(warehouse, { providerId }, 'undelivered', '30005')) === told.alertId,
  );
  await escalations.deliveryChanged(told.alertId);
  await slow.paged(told.alertId, BO, 5_000);

  slow.states.set(ANA, 'undelivered'); // nobody calls back: the provider is asked
  await alarm.raise({ ...finding, subject: 'asked' });
  const asked = await alertOf(own, 'night-failed', 'asked');
  const first = await slow.paged(asked.alertId, ANA);
  const second = await slow.paged(asked.alertId, BO, 30_000);
  expect(second.at - first.at).toBeGreaterThan(9_000);
  expect(second.at - first.at).toBeLessThan(20_000);
  for (const { alertId } of [refused, told, asked]) {
    await acknowledge(warehouse, { alertId }, { by: 'bo', via: 'test' });
    await escalations.alertChanged(alertId);
    expect(await endOfPaging(own, alertId)).toBe('answered');
  }
});

test('nobody answers: after the last round everybody is told of that, once, and that is the end of it', async () => {
  const { alertId, code } = await raise();
  expect(await endOfPaging(house, alertId)).toBe('exhausted');
  expect(sms.to(alertId)).toEqual([ANA, BO, ANA, BO]);
  const exhausted = await alertOf(house, 'escalation-exhausted', alertId);
  expect(await endOfPaging(house, exhausted.alertId)).toBe('exhausted');
  expect(sms.to(exhausted.alertId).sort()).toEqual([ANA, BO, OWNER]);
  expect(email.to(exhausted.alertId)).toEqual(['bo@example.com']);
  const page = sms.sent.find((one) => one.page.alertId === exhausted.alertId)?.page;
  expect(page?.sentence).toContain(`Nobody has answered alert ${code}`);
  expect(
    await house.ask(`select from nighttrain.alert where rule = 'escalation-exhausted' and subject = $1`, [
      exhausted.alertId,
    ]),
  ).toEqual([]);

  await acknowledge(deps.warehouse, { alertId }, { by: 'ana', via: 'test' });
  await sweep();
  expect((await alertOf(house, 'escalation-exhausted', alertId)).state).toBe('resolved');
});

test('a dataset has its owners in the place of level 1; quiet alerts page nobody', async () => {
  const { alertId } = await raise({ dataset: 'fares' });
  await sms.paged(alertId, OWNER);
  await acknowledge(deps.warehouse, { alertId }, { by: 'owner', via: 'test' });
  expect(sms.to(alertId)).toEqual([OWNER]);
  const quiet = await raise({ rule: 'night-cancelled' });
  expect(quiet).toMatchObject({ state: 'firing', paging: 'quiet' });
  await expect(endOfPaging(house, quiet.alertId)).rejects.toThrow(/not found/i);
});

test('an alert that fires again while its first firing is being ended is paged anew, from level 1', async () => {
  const { alertId, rule, subject, code } = await raise();
  await sms.paged(alertId, ANA);
  await resolve(deps.warehouse, { code }, { by: 'ana', via: 'test' });
  await deps.alarm.raise({ rule, dataset: null, businessDate: null, subject, sentence: 'Again' });
  await until(() => sms.to(alertId).length === 2);
  expect(sms.to(alertId)).toEqual([ANA, ANA]);
  await acknowledge(deps.warehouse, { alertId }, { by: 'ana', via: 'test' });
  await deps.escalations.alertChanged(alertId);
  expect(await endOfPaging(house, alertId)).toBe('answered');
  expect((await alertOf(house, rule, subject)).firing).toBe(2);
});

test('whoever acknowledges in the moment in which the time is over: no page is queued after that', async () => {
  const alerts = await Promise.all(Array.from({ length: 8 }, () => raise()));
  await Promise.all(alerts.map(({ alertId }) => sms.paged(alertId, ANA)));
  await Promise.all(
    alerts.map(async ({ alertId }, index) => {
      const [row] = await house.ask<{ at: Date }>(
        `select queued_at as at from nighttrain.alert_delivery where alert_id = $1 order by queued_at limit 1`,
        [alertId],
      );
      // Around the end of level 1, some before and some after it.
      const at = (row?.at.getTime() ?? 0) + 2_900 + index * 60;
      await until(() => Date.now() >= at, 10_000);
      await acknowledge(deps.warehouse, { alertId }, { by: 'ana', via: 'test' });
      const queued = await queuedPages(alertId);
      await deps.escalations.alertChanged(alertId);
      expect(await endOfPaging(house, alertId)).toBe('answered');
      expect(await queuedPages(alertId)).toBe(queued);
    }),
  );
});

test('PostgreSQL falls silent while level 1 is asked: level 2 is paged all the same, once, and can answer', async () => {
  await using own = await openHouse();
  const pager = new RecordingChannel('sms');
  await putOnCall(own, ON_CALL);
  const { alarm } = await startPaging(own, { sms: pager, email });
  await alarm.raise({
    rule: 'night-failed',
    dataset: null,
    businessDate: null,
    subject: 'dark',
    sentence: 'It failed',
  });
  const { alertId } = await alertOf(own, 'night-failed', 'dark');
  const first = await pager.paged(alertId, ANA);
  await until(
    async () => (await own.ask(`select from nighttrain.alert_event where kind = 'paged'`)).length > 0,
  );
  own.wire.goDark();
  const second = await pager.paged(alertId, BO);
  expect(second.page).toMatchObject({ sentence: 'It failed', runbook: 'replay-a-day', severity: 'error' });
  expect(second.at - first.at).toBeLessThan(3_000 + 10_000);
  await own.client.workflow.getHandle(`alert/${alertId}`).signal('acknowledge', { by: 'bo' });
  own.wire.mend();
  expect(await endOfPaging(own, alertId)).toBe('answered');
  expect(pager.to(alertId)).toEqual([ANA, BO]);
  expect(await alertOf(own, 'night-failed', 'dark')).toMatchObject({ state: 'acknowledged', paging: 'over' });
});

test('an escalation that somebody has ended is taken up again where it was, and pages nobody twice', async () => {
  const { alertId } = await raise();
  await sms.paged(alertId, BO);
  await until(async () => (await settled(alertId)) === 3);
  await house.client.workflow.getHandle(`alert/${alertId}`).terminate('somebody tidied up');
  await sweep();
  await until(() => sms.to(alertId).length === 3);
  const begins = house.lines.filter(
    (line) => line.includes(alertId) && line.includes('escalation under way'),
  );
  expect(begins.at(-1)).toContain('"from":{"round":1,"level":2}');
  expect(sms.to(alertId)).toEqual([ANA, BO, ANA]); // round 2 comes after round 1
  await acknowledge(deps.warehouse, { alertId }, { by: 'ana', via: 'test' });
});

test('an alert whose escalation could not be started is paged by the sweep', async () => {
  const subject = randomUUID();
  const parts = { ...deps, spoolFolder: house.folder, alertChanged: () => Promise.resolve() };
  const alarm = alarmOf({ ...parts, startEscalation: () => Promise.reject(new Error('Temporal is away')) });
  await alarm.raise({
    rule: 'night-failed',
    dataset: null,
    businessDate: null,
    subject,
    sentence: 'It failed',
  });
  const { alertId, paging } = await alertOf(house, 'night-failed', subject);
  expect(paging).toBe('due');
  await sweep();
  await sms.paged(alertId, ANA);
  await acknowledge(deps.warehouse, { alertId }, { by: 'ana', via: 'test' });
});

async function sweep(): Promise<void> {
  await house.client.workflow.execute('sweep', {
    workflowId: `sweep/${randomUUID()}`,
    taskQueue: TASK_QUEUE,
    args: [{ of: 'nights' } satisfies SweepRequest],
  });
}

async function queuedPages(alertId: string): Promise<number> {
  return (await house.ask(`select from nighttrain.alert_delivery where alert_id = $1`, [alertId])).length;
}

/** Pages of an alert whose row says what came of them. */
async function settled(alertId: string): Promise<number> {
  const rows = await house.ask(
    `select from nighttrain.alert_delivery where alert_id = $1 and state <> 'queued'`,
    [alertId],
  );
  return rows.length;
}
