import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Channel, Page } from '../../alerting/channels/channel.ts';
import { Email } from '../../alerting/channels/email.ts';
import type { Patience } from '../../alerting/channels/patience.ts';
import { Sms } from '../../alerting/channels/sms.ts';
import { Webhook } from '../../alerting/channels/webhook.ts';
import { AddressRejected, ChannelUnavailable } from '../../rules/errors.ts';
import { BRISK, CLOSED, never, ROUTING_KEY } from '../support/channels.ts';
import { HookStub } from '../support/hook.ts';
import { refusalOf } from '../support/intake.ts';
import { pageOf } from '../support/pages.ts';
import { SmtpStub } from '../support/smtp.ts';
import { TwilioStub } from '../support/twilio.ts';

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
