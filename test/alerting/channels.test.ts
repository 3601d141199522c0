import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Channel, Page } from '../../alerting/channels/channel.ts';
import { Email } from '../../alerting/channels/email.ts';
import { DEFAULT_PATIENCE, type Patience } from '../../alerting/channels/patience.ts';
import { Sms } from '../../alerting/channels/sms.ts';
import { Webhook } from '../../alerting/channels/webhook.ts';
import { AddressRejected, ChannelUnavailable, NightTrainError } from '../../rules/errors.ts';
import { HookStub } from '../support/hook.ts';
import { refusalOf } from '../support/intake.ts';
import { pageOf } from '../support/pages.ts';
import { SmtpStub } from '../support/smtp.ts';
import { TwilioStub } from '../support/twilio.ts';

const ROUTING_KEY = 'R0UT1NGK3YR0UT1NGK3YR0UT1NGK3Y12';

/** The same tests' view of a provider. */
interface Provider extends AsyncDisposable {
  channel(patience: Patience): Channel;
  /** A channel whose provider has gone. */
  orphan(patience: Patience): Channel;
  readonly address: string;
  /** One that is refused for good. */
  readonly refused: string;
  /** What may be in no error. */
  readonly secrets: readonly string[];
  /** The next calls are put off, as `come later`. */
  putOff(times: number): void;
  /** The next call is taken and never answered. */
  fallSilent(): void;
  calls(): number;
  /** What was taken so far, as text. */
  taken(): readonly string[];
}

async function twilio(): Promise<Provider> {
  const stub = await TwilioStub.start();
  stub.refuse('+33600000404', 21614);
  const setup = { sender: { from: stub.from }, statusCallback: undefined, canReply: true };
  const here = { ...setup, account: stub.account };
  return {
    channel: (patience) => new Sms(here, patience),
    orphan: (patience) => new Sms({ ...here, account: { ...stub.account, apiUrl: CLOSED } }, patience),
    address: '+33612345678',
    refused: '+33600000404',
    secrets: [stub.authToken, '+33612345678', '33600000404', Buffer.from(stub.authToken).toString('base64')],
    putOff: (times) => stub.strike(...Array.from({ length: times }, put429)),
    fallSilent: () => stub.strike({ fault: 'silence', taken: true }),
    calls: () => stub.calls,
    taken: () => stub.messages.map(({ params }) => params['Body'] ?? ''),
    [Symbol.asyncDispose]: () => stub[Symbol.asyncDispose](),
  };
}

const put429 = () => ({ fault: 'status', status: 429 }) as const;

async function smtp(): Promise<Provider> {
  const stub = await SmtpStub.start();
  stub.refuse('nobody@example.com');
  const setup = { smtpUrl: `smtp://pager:${stub.password}@127.0.0.1:${stub.port}`, from: 'nt@example.com' };
  return {
    channel: (patience) => new Email(setup, patience),
    orphan: (patience) => new Email({ ...setup, smtpUrl: CLOSED.replace('http', 'smtp') }, patience),
    address: 'ana@example.com',
    refused: 'nobody@example.com',
    secrets: [stub.password, 'ana@example.com', 'nobody@example.com'],
    putOff: (times) => stub.strike(...Array.from({ length: times }, () => ({ code: 451 }))),
    fallSilent: () => stub.strike('silence'),
    calls: () => stub.calls,
    taken: () => stub.mails.map(({ source }) => source),
    [Symbol.asyncDispose]: () => stub[Symbol.asyncDispose](),
  };
}

const webhook = (form: string) => async (): Promise<Provider> => {
  const stub = await HookStub.start();
  stub.refuse('/gone', 410);
  const setup = { pagerDutyRoutingKey: ROUTING_KEY };
  return {
    channel: (patience) => new Webhook(setup, patience),
    orphan: (patience) => new Webhook(setup, patience),
    address: `${form} ${stub.url}/T0/s3cr3t-hook`,
    refused: `${form} ${stub.url}/gone`,
    secrets: [ROUTING_KEY, 's3cr3t-hook'],
    putOff: (times) => stub.strike(...Array.from({ length: times }, () => ({ status: 503 }))),
    fallSilent: () => stub.strike('silence'),
    calls: () => stub.calls,
    taken: () => stub.taken.map(({ body }) => JSON.stringify(body)),
    [Symbol.asyncDispose]: () => stub[Symbol.asyncDispose](),
  };
};

/** Nobody listens on it: a port below those that are given out. */
const CLOSED = 'http://127.0.0.1:9';
const BRISK: Patience = { ...DEFAULT_PATIENCE, tries: 3, firstPauseMs: 5 };
const SHORT: Patience = { ...BRISK, callMs: 200 };

describe.each([
  ['sms', twilio],
  ['email', smtp],
  ['webhook for Slack', webhook('slack')],
  ['webhook for PagerDuty', webhook('pagerduty')],
  ['webhook in JSON', webhook('json')],
])('%s', (kind, open) => {
  let provider: Provider;
  beforeEach(async () => {
    provider = await open();
  });
  afterEach(() => provider[Symbol.asyncDispose]());

  const send = (page: Page, patience = BRISK, address = provider.address, signal = never()) =>
    provider.channel(patience).send(page, address, signal);
  const error = (patience: Patience, address?: string) => refusalOf(send(pageOf(), patience, address));
  /** What was taken since. */
  const since = () => {
    const [calls, taken] = [provider.calls(), provider.taken().length];
    return { calls: () => provider.calls() - calls, taken: () => provider.taken().slice(taken) };
  };

  test('a page arrives once, with its night, its number, its runbook and what acknowledges it', async () => {
    const from = since();
    await send(pageOf({ sentence: 'Refused', facts: { number: '31.0 % of 100 rows rejected' } }));
    expect(from.taken()).toHaveLength(1);
    const [text = ''] = from.taken().map((one) => one.replaceAll(/=\r?\n/g, ''));
    for (const part of ['flights', '2013-02-08', '31.0 % of 100 rows', 'reject-limit-exceeded', '4821'])
      expect(text).toContain(part);
  });

  test('a provider that asks to come later is asked again, and the page arrives once', async () => {
    const from = since();
    provider.putOff(2);
    await send(pageOf());
    expect([from.calls(), from.taken().length]).toEqual([3, 1]);
  });

  test('a provider that goes on asking is given up within bounds, and may be tried later', async () => {
    const from = since();
    provider.putOff(3);
    expect(await error(BRISK)).toBeInstanceOf(ChannelUnavailable);
    expect(from.calls()).toBe(3);
  });

  test('a time-out after the page was taken pages twice rather than not at all', async () => {
    const from = since();
    provider.fallSilent();
    await send(pageOf(), { ...BRISK, callMs: 1_500 });
    expect(from.taken().length).toBeGreaterThanOrEqual(2); // a machine under load may be late once more
  });

  test('a provider that never answers is given up in time', async () => {
    for (let times = 0; times < 3; times++) provider.fallSilent();
    expect(await error(SHORT)).toBeInstanceOf(ChannelUnavailable);
  });

  test('a provider that is not there is no reason to give an address up', async () => {
    const address = kind.startsWith('webhook')
      ? provider.address.replace(/http:\/\/[^/]+/, CLOSED)
      : undefined;
    const work = provider.orphan(BRISK).send(pageOf(), address ?? provider.address, never());
    expect(await refusalOf(work)).toBeInstanceOf(ChannelUnavailable);
  });

  test('an address that is refused is final at the first call', async () => {
    const from = since();
    const refusal = await error(BRISK, provider.refused);
    expect(refusal).toBeInstanceOf(AddressRejected);
    expect(refusal.retryable).toBe(false);
    expect(from.calls()).toBe(1);
  });

  test('a page that is called off is not tried again', async () => {
    const from = since();
    const reason = new Error('called off');
    const stop = new AbortController();
    provider.putOff(1);
    const work = send(pageOf(), { ...BRISK, firstPauseMs: 5_000 }, provider.address, stop.signal);
    await expect.poll(() => from.calls(), { timeout: 5_000 }).toBe(1);
    stop.abort(reason);
    await expect(work).rejects.toBe(reason);
    expect(from.calls()).toBe(1);
  });

  test('no secret and no address is in any error', async () => {
    provider.putOff(3);
    const errors = [await error(BRISK), await error(BRISK, provider.refused)];
    provider.fallSilent();
    errors.push(await error({ ...SHORT, tries: 1 }));
    for (const one of errors) {
      const shown = inspect(one, { depth: 9, showHidden: true }) + JSON.stringify(one);
      for (const secret of provider.secrets) expect(shown).not.toContain(secret);
    }
  });
});

const never = () => new AbortController().signal;

describe('a webhook', () => {
  test('that sends us elsewhere is not followed: the page is for nobody else', async () => {
    await using here = await HookStub.start();
    await using elsewhere = await HookStub.start();
    here.strike({ status: 307, headers: { location: elsewhere.url } });
    const refusal = await refusalOf(new Webhook(NO_KEY).send(pageOf(), `json ${here.url}`, never()));
    expect(refusal).toBeInstanceOf(AddressRejected);
    expect(elsewhere.calls).toBe(0);
  });

  test('that answers without end is cut off', async () => {
    await using hook = await HookStub.start();
    hook.strike('endless', 'endless', 'endless');
    const refusal = await refusalOf(new Webhook(NO_KEY, BRISK).send(pageOf(), `json ${hook.url}`, never()));
    expect(refusal).toBeInstanceOf(ChannelUnavailable);
  });

  test.each(['json', 'json ftp://example.com', 'teams https://example.com', 'json $NAME'])(
    'without a URL is named: %s',
    async (address) => {
      expect(await refusalOf(new Webhook(NO_KEY).send(pageOf(), address, never()))).toMatchObject({
        message: 'A webhook has no URL that can be called',
      });
    },
  );

  test('is told a bounded page, whatever the alert has to say', async () => {
    await using hook = await HookStub.start();
    const page = pageOf({ sentence: 'long '.repeat(10_000), facts: { rows: 'x'.repeat(1_000_000) } });
    for (const form of ['json', 'slack', 'pagerduty'])
      await new Webhook({ pagerDutyRoutingKey: ROUTING_KEY }).send(page, `${form} ${hook.url}`, never());
    const sizes = hook.taken.map(({ body }) => JSON.stringify(body).length);
    expect(Math.max(...sizes)).toBeLessThan(100_000);
  });

  test('a wait that Retry-After asks for beyond our bound is handed up, not slept through', async () => {
    await using hook = await HookStub.start();
    hook.strike({ status: 429, headers: { 'retry-after': '120' } });
    const refusal = await refusalOf(new Webhook(NO_KEY).send(pageOf(), `json ${hook.url}`, never()));
    expect(refusal).toMatchObject({ name: 'ChannelUnavailable', retryAfterMs: 120_000 });
    expect(hook.calls).toBe(1);
  });
});

const NO_KEY = { pagerDutyRoutingKey: undefined };

describe('what a webhook is sent', () => {
  const taken = async (form: string, more: Partial<Page> = {}) => {
    await using hook = await HookStub.start();
    const channel = new Webhook({ pagerDutyRoutingKey: ROUTING_KEY });
    await channel.send(pageOf(more), `${form} ${hook.url}/`, never());
    return hook.taken[0]?.body as Record<string, unknown>;
  };

  test('PagerDuty is sent an event that makes one incident of one alert', async () => {
    const page = pageOf({ severity: 'warn', ackLink: 'https://ops.example.com/ack/x' });
    expect(await taken('pagerduty', page)).toEqual({
      routing_key: ROUTING_KEY,
      event_action: 'trigger',
      dedup_key: page.alertId,
      payload: {
        summary: page.sentence,
        source: 'nighttrain',
        severity: 'warning',
        component: 'flights',
        class: 'reject-limit-exceeded',
        custom_details: { runbook: 'reject-limit-exceeded', acknowledge: 'npx nighttrain alert ack 4821' },
      },
      links: [{ href: 'https://ops.example.com/ack/x', text: 'Acknowledge' }],
    });
  });

  test('without its key PagerDuty is not called', async () => {
    await using hook = await HookStub.start();
    const refusal = await refusalOf(new Webhook(NO_KEY).send(pageOf(), `pagerduty ${hook.url}`, never()));
    expect(refusal.message).toContain('PAGERDUTY_ROUTING_KEY is not set');
    expect(hook.calls).toBe(0);
  });

  test('Slack mentions nobody because of what a row says', async () => {
    const { text } = await taken('slack', { sentence: 'refused: <!channel> & <@U1>' });
    expect(text).toContain('refused: &lt;!channel&gt; &amp; &lt;@U1&gt;');
    expect(text).not.toContain('<');
  });
});

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

describe('a mail', () => {
  test('is sent over TLS when the URL says smtps, and not to a server whose certificate nobody vouches for', async () => {
    await using stub = await SmtpStub.start({ secure: true });
    const refusal = await refusalOf(
      new Email({ smtpUrl: stub.url.replace('smtp:', 'smtps:'), from: 'nt@example.com' }, BRISK).send(
        pageOf(),
        'ana@example.com',
        never(),
      ),
    );
    expect(refusal).toBeInstanceOf(ChannelUnavailable);
    const trusted = `${stub.url.replace('smtp:', 'smtps:')}?tls.rejectUnauthorized=false`;
    await new Email({ smtpUrl: trusted, from: 'nt@example.com' }, BRISK).send(
      pageOf(),
      'ana@example.com',
      never(),
    );
    expect(stub.mails.map(({ to }) => to)).toEqual([['ana@example.com']]);
  });

  test('goes to one mailbox, whatever its name, and says that a machine wrote it', async () => {
    await using stub = await SmtpStub.start();
    const setup = { smtpUrl: stub.url, from: 'Night Train <nt@example.com>' };
    await new Email(setup, BRISK).send(
      pageOf({ sentence: 'one\r\nBcc: eve@example.com' }),
      'ana@example.com',
      never(),
    );
    expect(stub.mails).toMatchObject([{ from: 'nt@example.com', to: ['ana@example.com'] }]);
    expect(stub.mails[0]?.source).toMatch(/^Auto-Submitted: auto-generated/m);
    expect(stub.mails[0]?.source).not.toMatch(/^Bcc/m);
  });

  test('that the server took has reached nobody yet', async () => {
    await using stub = await SmtpStub.start();
    const handed = await new Email({ smtpUrl: stub.url, from: 'nt@example.com' }).send(
      pageOf(),
      'a@b.c',
      never(),
    );
    expect(handed).toEqual({
      state: 'sent',
      providerId: expect.stringMatching(/^<.+@nighttrain>$/) as unknown,
    });
  });

  test.each([
    ['a wrong password', 'smtp://pager:wrong-password@', 'nt@example.com'],
    ['a sender that the server does not take', 'smtp://', 'nobody@example.com'],
  ])('with %s is a matter of configuration', async (_, start, from) => {
    await using stub = await SmtpStub.start();
    const email = new Email({ smtpUrl: stub.url.replace('smtp://', start), from }, BRISK);
    const refusal = await refusalOf(email.send(pageOf(), 'ana@example.com', never()));
    expect(refusal).toBeInstanceOf(NightTrainError);
    expect(refusal.name).toBe('ConfigurationError');
    expect(inspect(refusal)).not.toContain('wrong-password');
  });
});
