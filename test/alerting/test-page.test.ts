import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { acknowledge } from '../../alerting/archive/archive.ts';
import { settleDeliveries } from '../../activities/sweep-deliveries.ts';
import { ask, readQuestions } from '../../warehouse/emergency.ts';
import { until } from '../support/intake.ts';
import { sharePagedHouse } from '../support/paged-house.ts';
import { smsTo } from '../support/paging.ts';
import { alertOf, endOfPaging } from '../support/recorded-pages.ts';

const ANA = '+33611111111';

/** Nobody calls us back: what became of a page is asked for. */
const here = sharePagedHouse({
  onCall: `
people:
  ana: { name: Ana, channels: [{ sms: '${ANA}' }, { email: ana@example.com }] }
levels: [{ people: [ana], timeoutMinutes: 0.1 }]
rounds: 1
`,
  callbacks: false,
});
beforeAll(async () => {
  await here().house.client.schedule.getHandle('nighttrain/_sweep-nights').pause('the test sweeps');
});

/** A test page that Twilio and the mail server have taken. */
async function tested() {
  const subject = randomUUID();
  const key = { rule: 'test-page', dataset: null, businessDate: null, subject } as const;
  await here().deps.alarm.raise({ ...key, sentence: `${subject}: nothing has happened` });
  const { alertId } = await alertOf(here().house, 'test-page', subject);
  const { message } = await smsTo(here().twilio, ANA, subject);
  const taken = async () =>
    (
      await here().house.ask(`select from nighttrain.alert_delivery where alert_id = $1 and state = 'sent'`, [
        alertId,
      ])
    ).length === 2;
  await until(taken);
  const end = async () => {
    await here().deps.escalations.alertChanged(alertId);
    return endOfPaging(here().house, alertId);
  };
  return { alertId, subject, message, end };
}

const stateOf = async (alertId: string) =>
  (
    await here().house.ask(
      `select state, acknowledged_by as "acknowledgedBy", resolved_by as "resolvedBy", resolved_why as why
       from nighttrain.alert where alert_id = $1`,
      [alertId],
    )
  )[0];

async function unreached() {
  const question = (await readQuestions()).get('undelivered-pages');
  if (!question) throw new Error('the question is not there');
  return (await ask(here().deps.warehouse, question, {})).rows.map(
    ({ channel, state }) => `${String(channel)} ${String(state)}`,
  );
}

test('a test page is over once somebody has answered it, and says who', async () => {
  const { alertId, end } = await tested();
  const { outcome } = await acknowledge(here().deps.warehouse, { alertId }, { by: 'ana', via: 'cli' });
  expect(outcome).toBe('acknowledged');
  expect(await end()).toBe('answered');
  expect(await stateOf(alertId)).toEqual({
    state: 'resolved',
    acknowledgedBy: 'ana',
    resolvedBy: 'ana',
    why: 'The test was answered',
  });
  const second = await acknowledge(here().deps.warehouse, { alertId }, { by: 'bo', via: 'cli' });
  expect(second).toMatchObject({ outcome: 'resolved', by: 'ana' });
});

test('a test page that nobody answers is over with its escalation, and wakes nobody else', async () => {
  const { alertId } = await tested();
  expect(await endOfPaging(here().house, alertId)).toBe('exhausted');
  expect(await stateOf(alertId)).toMatchObject({ state: 'resolved', why: 'Nobody has answered the test' });
  expect(await here().house.ask(`select from nighttrain.alert where rule = 'escalation-exhausted'`)).toEqual(
    [],
  );
});

test('everybody counts as reached by mail that was taken, and by an SMS that arrives after its alert was answered', async () => {
  const { alertId, message, end } = await tested();
  await acknowledge(here().deps.warehouse, { alertId }, { by: 'somebody at the desk', via: 'cli' });
  await end();
  expect(await unreached()).toEqual(['sms sent']);
  await settleDeliveries(here().deps);
  expect(await unreached()).toEqual(['sms sent']);
  await here().twilio.settle(message, 'delivered');
  await settleDeliveries(here().deps);
  expect(await unreached()).toEqual([]);
});

test('an SMS that does not arrive is known also after its alert was answered', async () => {
  const { alertId, message, end } = await tested();
  await acknowledge(here().deps.warehouse, { alertId }, { by: 'somebody at the desk', via: 'cli' });
  await end();
  await here().twilio.settle(message, 'undelivered', 30_005);
  await settleDeliveries(here().deps);
  expect(await unreached()).toEqual(['sms undelivered']);
});

test('who has answered an SMS has had it', async () => {
  const { alertId, end } = await tested();
  await acknowledge(here().deps.warehouse, { alertId }, { by: 'ana', via: 'sms' });
  await end();
  expect(await unreached()).toEqual([]);
});
