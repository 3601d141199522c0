import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest';
import { acknowledge } from '../../alerting/archive/archive.ts';
import type { Deps } from '../../activities/deps.ts';
import { settleDeliveries } from '../../activities/sweep-deliveries.ts';
import { ask, readQuestions } from '../../warehouse/emergency.ts';
import { openHouse, type House } from '../support/house.ts';
import { until } from '../support/intake.ts';
import { pagingBy, smsTo } from '../support/paging.ts';
import { alertOf, endOfPaging, putOnCall } from '../support/recorded-pages.ts';
import { SmtpStub } from '../support/smtp.ts';
import { TwilioStub } from '../support/twilio.ts';
import { unguarded } from '../support/unguarded.ts';

const ANA = '+33611111111';

let house: House;
let twilio: TwilioStub;
let smtp: SmtpStub;
let deps: Deps;

/** Nobody calls us back: what became of a page is asked for. */
beforeAll(async () => {
  [twilio, smtp] = [await TwilioStub.start(), await SmtpStub.start()];
  const { sms, ...paging } = pagingBy(twilio);
  const deaf = sms && { ...sms, statusCallback: undefined, canReply: false };
  const email = { smtpUrl: smtp.url, from: 'nights@example.com' };
  house = await openHouse({ paging: { ...paging, sms: deaf, callbacks: undefined, email } });
  await putOnCall(
    house,
    `
people:
  ana: { name: Ana, channels: [{ sms: '${ANA}' }, { email: ana@example.com }] }
levels: [{ people: [ana], timeoutMinutes: 0.1 }]
rounds: 1
`,
  );
  await house.startWorker((made) => (deps = made));
  await house.client.schedule.getHandle('nighttrain/_sweep-nights').pause('the test sweeps');
});
afterAll(async () => {
  await house[Symbol.asyncDispose]();
  await smtp[Symbol.asyncDispose]();
  await twilio[Symbol.asyncDispose]();
});
beforeEach(async () => {
  onTestFailed(() => void process.stderr.write(`${house.lines.slice(-40).join('')}\n`));
  await unguarded(house.database, `update nighttrain.alert_event set at = at - interval '1 hour'`);
});

/** A test page that Twilio and the mail server have taken. */
async function tested() {
  const subject = randomUUID();
  const key = { rule: 'test-page', dataset: null, businessDate: null, subject } as const;
  await deps.alarm.raise({ ...key, sentence: `${subject}: nothing has happened` });
  const { alertId } = await alertOf(house, 'test-page', subject);
  const { message } = await smsTo(twilio, ANA, subject);
  const taken = async () =>
    (
      await house.ask(`select from nighttrain.alert_delivery where alert_id = $1 and state = 'sent'`, [
        alertId,
      ])
    ).length === 2;
  await until(taken);
  const end = async () => {
    await deps.escalations.alertChanged(alertId);
    return endOfPaging(house, alertId);
  };
  return { alertId, subject, message, end };
}

const stateOf = async (alertId: string) =>
  (
    await house.ask(
      `select state, acknowledged_by as "acknowledgedBy", resolved_by as "resolvedBy", resolved_why as why
       from nighttrain.alert where alert_id = $1`,
      [alertId],
    )
  )[0];

async function unreached() {
  const question = (await readQuestions()).get('undelivered-pages');
  if (!question) throw new Error('the question is not there');
  return (await ask(deps.warehouse, question, {})).rows.map(
    ({ channel, state }) => `${String(channel)} ${String(state)}`,
  );
}

test('a test page is over once somebody has answered it, and says who', async () => {
  const { alertId, end } = await tested();
  const { outcome } = await acknowledge(deps.warehouse, { alertId }, { by: 'ana', via: 'cli' });
  expect(outcome).toBe('acknowledged');
  expect(await end()).toBe('answered');
  expect(await stateOf(alertId)).toEqual({
    state: 'resolved',
    acknowledgedBy: 'ana',
    resolvedBy: 'ana',
    why: 'The test was answered',
  });
  const second = await acknowledge(deps.warehouse, { alertId }, { by: 'bo', via: 'cli' });
  expect(second).toMatchObject({ outcome: 'resolved', by: 'ana' });
});

test('a test page that nobody answers is over with its escalation, and wakes nobody else', async () => {
  const { alertId } = await tested();
  expect(await endOfPaging(house, alertId)).toBe('exhausted');
  expect(await stateOf(alertId)).toMatchObject({ state: 'resolved', why: 'Nobody has answered the test' });
  expect(await house.ask(`select from nighttrain.alert where rule = 'escalation-exhausted'`)).toEqual([]);
});

test('everybody counts as reached by mail that was taken, and by an SMS that arrives after its alert was answered', async () => {
  const { alertId, message, end } = await tested();
  await acknowledge(deps.warehouse, { alertId }, { by: 'somebody at the desk', via: 'cli' });
  await end();
  expect(await unreached()).toEqual(['sms sent']);
  await settleDeliveries(deps);
  expect(await unreached()).toEqual(['sms sent']);
  await twilio.settle(message, 'delivered');
  await settleDeliveries(deps);
  expect(await unreached()).toEqual([]);
});

test('an SMS that does not arrive is known also after its alert was answered', async () => {
  const { alertId, message, end } = await tested();
  await acknowledge(deps.warehouse, { alertId }, { by: 'somebody at the desk', via: 'cli' });
  await end();
  await twilio.settle(message, 'undelivered', 30_005);
  await settleDeliveries(deps);
  expect(await unreached()).toEqual(['sms undelivered']);
});

test('who has answered an SMS has had it', async () => {
  const { alertId, end } = await tested();
  await acknowledge(deps.warehouse, { alertId }, { by: 'ana', via: 'sms' });
  await end();
  expect(await unreached()).toEqual([]);
});
