import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Sms } from '../../alerting/channels/sms.ts';
import { AddressRejected, ChannelUnavailable } from '../../rules/errors.ts';
import { BRISK, CLOSED, never } from '../support/channels.ts';
import { refusalOf } from '../support/intake.ts';
import { pageOf } from '../support/pages.ts';
import { TwilioStub } from '../support/twilio.ts';

describe('an SMS', () => {
  const sms = (stub: TwilioStub, more: object = {}) =>
    new Sms(
      {
        account: stub.account,
        sender: { from: stub.from },
        statusCallback: undefined,
        canReply: true,
        ...more,
      },
      BRISK,
    );

  test('is of use for as long as its level waits, and not after', async () => {
    await using stub = await TwilioStub.start();
    for (const validForMs of [300_000, 10, 900_000_000])
      await sms(stub).send(pageOf({ validForMs }), '+33612345678', never());
    expect(stub.messages.map(({ params }) => params['ValidityPeriod'])).toEqual(['300', '1', '36000']);
  });

  test('is sent by an API key, and by a messaging service, with a callback where the outside reaches us', async () => {
    await using stub = await TwilioStub.start();
    const account = { ...stub.account, authToken: undefined, apiKey: stub.apiKey };
    const sender = { messagingServiceSid: stub.messagingServiceSid };
    const statusCallback = 'https://ops.example.com/nt/twilio/status';
    await sms(stub, { account, sender, statusCallback }).send(pageOf(), '+33612345678', never());
    expect(stub.lastTo('+33612345678').params).toEqual({
      To: '+33612345678',
      Body: expect.stringContaining('Reply ACK 4821') as unknown,
      ValidityPeriod: '300',
      MessagingServiceSid: stub.messagingServiceSid,
      StatusCallback: statusCallback,
    });
  });

  test('names the command where replies reach nobody', async () => {
    await using stub = await TwilioStub.start();
    await sms(stub, { canReply: false }).send(pageOf(), '+33612345678', never());
    expect(stub.lastTo('+33612345678').params['Body']).toContain('npx nighttrain alert ack 4821');
  });

  test.each([21211, 21214, 21408, 21610, 21612, 21614, 21635, 29_999])(
    "of a number that Twilio refuses with %d is final, and Twilio's words with the number go nowhere",
    async (code) => {
      await using stub = await TwilioStub.start();
      stub.refuse('+33612345678', code);
      const refusal = await refusalOf(sms(stub).send(pageOf(), '+33612345678', never()));
      expect(refusal).toBeInstanceOf(AddressRejected);
      expect(refusal.detail).toContain(String(code));
      expect(inspect(refusal)).not.toContain('33612345678');
    },
  );

  test.each([21606, 21659, 21701])(
    'from a sender that is not ours is a matter of configuration (%d)',
    async (code) => {
      await using stub = await TwilioStub.start();
      stub.refuse('+33612345678', code);
      const refusal = await refusalOf(sms(stub).send(pageOf(), '+33612345678', never()));
      expect(refusal.name).toBe('ConfigurationError');
    },
  );

  test('with a wrong token is a matter of configuration, and said so by the check that sends nothing', async () => {
    await using stub = await TwilioStub.start();
    const wrong = sms(stub, { account: { ...stub.account, authToken: '0'.repeat(32) } });
    expect((await refusalOf(wrong.send(pageOf(), '+33612345678', never()))).name).toBe('ConfigurationError');
    expect((await refusalOf(wrong.check(never()))).name).toBe('ConfigurationError');
    await sms(stub).check(never());
    expect(stub.messages).toEqual([]);
  });

  test('is tried again after 500, after a page of HTML, and after a line that was cut once it was taken', async () => {
    await using stub = await TwilioStub.start();
    stub.strike({ fault: 'status', status: 500 }, { fault: 'status', status: 502, html: true });
    await sms(stub).send(pageOf(), '+33612345678', never());
    stub.strike({ fault: 'reset', taken: true });
    await sms(stub).send(pageOf(), '+33612345678', never());
    expect([stub.calls, stub.messages.length]).toEqual([5, 3]);
  });

  test('waits as long as Retry-After says, and not longer than our bound', async () => {
    await using stub = await TwilioStub.start();
    stub.strike({ fault: 'status', status: 429, retryAfter: '1' });
    const before = performance.now();
    await sms(stub).send(pageOf(), '+33612345678', never());
    expect(performance.now() - before).toBeGreaterThanOrEqual(999);
    stub.strike({ fault: 'status', status: 429, retryAfter: '86400' });
    const refusal = await refusalOf(sms(stub).send(pageOf(), '+33612345678', never()));
    expect(refusal.retryAfterMs).toBe(600_000); // an absurd one is bounded
  });

  test.each([
    ['queued', 'sent'],
    ['sending', 'sent'],
    ['delivered', 'delivered'],
    ['undelivered', 'undelivered'],
    ['failed', 'failed'],
    ['canceled', 'failed'],
    ['a word of tomorrow', undefined],
  ])('that Twilio calls %s is %s to us', async (status, state) => {
    await using stub = await TwilioStub.start();
    const { providerId } = await sms(stub).send(pageOf(), '+33612345678', never());
    stub.lastTo('+33612345678').status = status;
    expect(await sms(stub).stateOf(providerId ?? '', never())).toBe(state);
  });

  test('cannot be asked about while Twilio is down: nothing is made up', async () => {
    await using stub = await TwilioStub.start();
    const orphan = sms(stub, { account: { ...stub.account, apiUrl: CLOSED } });
    expect(await refusalOf(orphan.stateOf(`SM${'0'.repeat(32)}`, never()))).toBeInstanceOf(
      ChannelUnavailable,
    );
  });
});
