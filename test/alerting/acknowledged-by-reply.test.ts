import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ackedCode } from '../../alerting/callbacks/replies.ts';
import type { OnCall } from '../../rules/on-call.ts';
import {
  ANA,
  BO,
  forgeriesOf,
  ON_CALL,
  REPLY_URL,
  shareOutside,
  type FiredAlert,
} from '../support/outside.ts';

const outside = shareOutside();

const STRANGER = '+33633333333';
const ON_CALL_OF_BO: OnCall = {
  ...ON_CALL,
  people: { bo: { name: 'Bo', channels: [{ channel: 'sms', address: BO }] } },
};
const FIRING = { state: 'firing', by: null, via: null };

describe('a reply', () => {
  const reply = (from: string, body: string, sid?: string) =>
    outside.twilio.call(REPLY_URL, outside.twilio.replyParams(from, body, sid));

  test.each([
    'ACK 4821',
    'ack 4821',
    '  Ack   4821 \n',
    'ACK4821',
    'ack: 4821',
    'ACK #4821.',
    '4821',
    ' 4821.',
    'ACK 4821 on it',
    'ack 4821, there in 5 minutes',
    'ACK 4821\n\nSent from my phone',
  ])('%j acknowledges 4821', (body) => {
    expect(ackedCode(body)).toBe(4821);
  });

  test.each([
    '4821 on it',
    'ACK',
    'ACK 4821x',
    'ACK 4821 or 4822?',
    '48.21',
    'ACK four',
    'NACK 4821',
    'ACK 4821 4822',
    'ACK 48 21',
    `ACK ${'9'.repeat(30)}`,
    '',
  ])('%j acknowledges nothing', (body) => {
    expect(ackedCode(body)).toBeUndefined();
  });

  test('of somebody who is on call acknowledges, says so, and stops the paging', async () => {
    const alert = await outside.fire();
    const { status: code, body } = await reply(ANA, `Ack ${alert.code}`);
    expect(code).toBe(200);
    expect(body).toContain(`<Message>${alert.code} is acknowledged. Nobody else is called.</Message>`);
    expect(await outside.stateOf(alert)).toEqual({ state: 'acknowledged', by: 'ana', via: 'sms' });
    expect(outside.told).toEqual([`alert ${alert.alertId}`]);
  });

  test('with a wrong code gets a sentence back and changes nothing', async () => {
    await outside.fire();
    const { body } = await outside.inVain(() => reply(ANA, 'ACK 999999999'), ['alert_callback']);
    expect(body).toContain(
      'No alert that you are on call for has the number 999999999. Nothing was changed.',
    );
  });

  test('of somebody who is on call for another alert changes nothing', async () => {
    const alert = await outside.fire();
    await outside.fire(ON_CALL_OF_BO);
    const { body } = await outside.inVain(() => reply(BO, `ACK ${alert.code}`), ['alert_callback']);
    expect(body).toContain('No alert that you are on call for');
    expect(await outside.stateOf(alert)).toEqual(FIRING);
  });

  test('of a stranger changes nothing, and is not answered', async () => {
    const alert = await outside.fire();
    const answer = await outside.inVain(() => reply(STRANGER, `ACK ${alert.code}`), ['alert_callback']);
    expect(answer.status).toBe(403);
    expect(answer.body).not.toContain('Message');
  });

  test('that is no acknowledgement is told how to write one', async () => {
    await outside.fire();
    const { body } = await outside.inVain(() => reply(ANA, 'on my way!'), ['alert_callback']);
    expect(body).toContain('reply ACK and the number');
  });

  test.each(forgeriesOf(outside))('is not believed with %s', async (_, forge) => {
    const { code } = await outside.fire();
    const params = outside.twilio.replyParams(ANA, `ACK ${code}`);
    const answer = await outside.inVain(() =>
      outside.twilio.call(REPLY_URL, params, forge(params, REPLY_URL) ?? 'none'),
    );
    expect(answer.status).toBe(403);
  });

  test('that is replayed changes nothing, also when the alert fires again', async () => {
    const alert = await outside.fire();
    const sid = `SM${randomBytes(16).toString('hex')}`;
    await reply(ANA, `ACK ${alert.code}`, sid);
    expect(await outside.inVain(() => reply(ANA, `ACK ${alert.code}`, sid))).toMatchObject({ status: 409 });
    await fireAgain(alert);
    expect(await outside.inVain(() => reply(ANA, `ACK ${alert.code}`, sid))).toMatchObject({ status: 409 });
    expect(await outside.stateOf(alert)).toMatchObject({ state: 'firing' });
  });

  test('with a code that no alert has yet is no good once one has it', async () => {
    const { code } = await outside.fire();
    const sid = `SM${randomBytes(16).toString('hex')}`;
    await outside.inVain(() => reply(ANA, `ACK ${code + 1}`, sid), ['alert_callback']);
    const next = await outside.fire();
    expect(next.code).toBe(code + 1);
    expect(await outside.inVain(() => reply(ANA, `ACK ${next.code}`, sid))).toMatchObject({ status: 409 });
    expect(await outside.stateOf(next)).toEqual(FIRING);
  });

  test('that comes when the alert is resolved changes nothing, then or when it fires again', async () => {
    const alert = await outside.fire(ON_CALL, 'resolved');
    const sid = `SM${randomBytes(16).toString('hex')}`;
    // That it came is kept, so that it cannot come again.
    const { body } = await outside.inVain(() => reply(ANA, `ACK ${alert.code}`, sid), ['alert_callback']);
    expect(body).toContain('was resolved before. Nothing was changed.');
    await fireAgain(alert);
    expect(await outside.inVain(() => reply(ANA, `ACK ${alert.code}`, sid))).toMatchObject({ status: 409 });
  });

  test('that comes second is told who was first', async () => {
    const alert = await outside.fire();
    const answers = await Promise.all([1, 2, 3].map(() => reply(ANA, `ACK ${alert.code}`)));
    const bodies = answers.map(({ body }) => body).sort();
    expect(bodies.filter((body) => body.includes('is acknowledged. Nobody else'))).toHaveLength(1);
    expect(bodies.filter((body) => body.includes('was acknowledged by ana before'))).toHaveLength(2);
    expect(outside.told).toHaveLength(1);
  });

  async function fireAgain({ alertId }: FiredAlert): Promise<void> {
    await outside.house.ask(
      `update nighttrain.alert set state = 'firing', firing = firing + 1, acknowledged_at = null where alert_id = $1`,
      [alertId],
    );
  }
});
