import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { acknowledge } from '../../alerting/archive/archive.ts';
import { until } from '../support/intake.ts';
import { sharePagedHouse } from '../support/paged-house.ts';
import { keepFigure, smsTo } from '../support/paging.ts';
import { alertOf, endOfPaging } from '../support/recorded-pages.ts';

const ANA = '+33611111111';
const BO = '+33622222222';

/** Nobody here waits for a level's time to be over. */
const ON_CALL = `
people:
  ana: { name: Ana, channels: [{ sms: '${ANA}' }] }
  bo: { name: Bo, channels: [{ sms: '${BO}' }] }
  cleo: { name: Cleo, channels: [{ email: cleo@example.com }] }
levels:
  - { people: [ana], timeoutMinutes: 10 }
  - { people: [bo, cleo], timeoutMinutes: 10 }
`;

const here = sharePagedHouse({ onCall: ON_CALL, callbacks: true });

/** An alert of the test's own, and how to end it. */
async function raise() {
  const subject = randomUUID();
  const raisedAt = Date.now();
  const sentence = `${subject} was not loaded`;
  await here().deps.alarm.raise({
    rule: 'night-failed',
    dataset: null,
    businessDate: null,
    subject,
    sentence,
  });
  const alert = await alertOf(here().house, 'night-failed', subject);
  const end = async () => {
    await acknowledge(here().deps.warehouse, { alertId: alert.alertId }, { by: 'test', via: 'test' });
    await here().deps.escalations.alertChanged(alert.alertId);
    expect(await endOfPaging(here().house, alert.alertId)).toBe('answered');
  };
  return { ...alert, subject, raisedAt, end };
}

/** The pages of an alert as the outbox has them. */
const outbox = (alertId: string) =>
  here().house.ask(
    `select level, person, state, tries, error from nighttrain.alert_delivery where alert_id = $1 order by level, person`,
    [alertId],
  );

const mailAbout = (subject: string) => here().smtp.mails.some(({ source }) => source.includes(subject));

test('429 from Twilio: the page is there as soon as Twilio lets it through', async () => {
  here().twilio.strike({ fault: 'status', status: 429, retryAfter: '1' });
  const { alertId, subject, raisedAt, end } = await raise();
  const { at } = await smsTo(here().twilio, ANA, subject);
  expect(at - raisedAt).toBeLessThan(10_000);
  await end();
  expect(await outbox(alertId)).toMatchObject([{ level: 1, person: 'ana', state: 'sent' }]);
  await keepFigure('Twilio answers 429, Retry-After 1 s', 'SMS to level 1', at - raisedAt);
});

test('a time-out after Twilio took the page: the person is paged at once, perhaps twice, and the outbox knows the second', async () => {
  here().twilio.strike({ fault: 'silence', taken: true });
  const { alertId, subject, raisedAt, end } = await raise();
  const { at } = await smsTo(here().twilio, ANA, subject);
  expect(at - raisedAt).toBeLessThan(10_000);
  const toAna = () => here().twilio.messages.filter(({ params }) => params['Body']?.includes(subject));
  await until(() => toAna().length === 2, 30_000);
  await until(async () => (await outbox(alertId))[0]?.['state'] === 'sent');
  await here().twilio.settle(here().twilio.lastTo(ANA), 'delivered');
  expect(await outbox(alertId)).toMatchObject([{ person: 'ana', state: 'delivered' }]);
  await end();
  await keepFigure(
    'Twilio takes the page, and its answer is lost',
    'SMS to level 1, a second one after 10 s',
    at - raisedAt,
  );
});

test('undelivered: level 2 is called as soon as Twilio says so', async () => {
  const { alertId, subject, end } = await raise();
  const { message } = await smsTo(here().twilio, ANA, subject);
  await until(async () => (await outbox(alertId))[0]?.['state'] === 'sent');
  const saidAt = Date.now();
  await here().twilio.settle(message, 'undelivered', 30005);
  const { at } = await smsTo(here().twilio, BO, subject);
  expect(at - saidAt).toBeLessThan(5_000);
  await end();
  await keepFigure('SMS undelivered (30005)', 'SMS and mail to level 2, after the callback', at - saidAt);
});

test('an invalid number: level 2 is called at once', async () => {
  here().twilio.refuse(ANA, 21614);
  const { alertId, subject, raisedAt, end } = await raise();
  const { at } = await smsTo(here().twilio, BO, subject);
  expect(at - raisedAt).toBeLessThan(10_000);
  await until(() => mailAbout(subject));
  await end();
  expect(await outbox(alertId)).toMatchObject([
    { level: 1, person: 'ana', state: 'failed', tries: 1 },
    { level: 2, person: 'bo', state: 'sent' },
    { level: 2, person: 'cleo', state: 'sent' },
  ]);
  await keepFigure('number refused (21614)', 'SMS and mail to level 2', at - raisedAt);
});

test('Twilio answers nobody: level 2 is reached by mail, and that SMS are down is an alert of its own', async () => {
  await here().twilio[Symbol.asyncDispose]();
  const { alertId, subject, raisedAt, end } = await raise();
  await until(() => mailAbout(subject), 50_000);
  const at = Date.now();
  await until(() => mailAbout('Twilio does not take SMS'), 50_000);
  await end();
  expect(await outbox(alertId)).toMatchObject([
    { level: 1, person: 'ana', state: 'failed' },
    { level: 2, person: 'bo' },
    { level: 2, person: 'cleo' },
  ]);
  await keepFigure('Twilio down', 'mail to level 2, once level 1 was tried in vain', at - raisedAt);
});
