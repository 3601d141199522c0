import { randomBytes, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { openCallbacks, type CallbackParts } from '../../alerting/callbacks/callbacks.ts';
import { makeLink } from '../../alerting/callbacks/links.ts';
import { ackedCode } from '../../alerting/callbacks/replies.ts';
import type { OnCall } from '../../rules/on-call.ts';
import { openHouse, type House } from '../support/house.ts';
import { TwilioStub } from '../support/twilio.ts';

const PUBLIC_URL = 'https://ops.example.test/nt';
const [ANA, BO, STRANGER] = ['+33611111111', '+33622222222', '+33633333333'];

const ON_CALL: OnCall = {
  people: {
    ana: { name: 'Ana', channels: [{ channel: 'sms', address: '$ANA_NUMBER' }] },
    bo: { name: 'Bo', channels: [{ channel: 'email', address: 'bo@example.com' }] },
  },
  levels: [{ people: ['ana'], timeoutMs: 60_000 }],
  rounds: 1,
  quiet: [],
  owners: {},
};
const ON_CALL_OF_BO: OnCall = {
  ...ON_CALL,
  people: { bo: { name: 'Bo', channels: [{ channel: 'sms', address: BO }] } },
};

let house: House;
let loader: DataSource;
let twilio: TwilioStub;
let door: Awaited<ReturnType<typeof openCallbacks>>;
const lines: string[] = [];
/** Whose escalation was told, and of what. */
const told: string[] = [];

const parts = (more: Partial<CallbackParts> = {}): CallbackParts => ({
  warehouse: loader,
  publicUrl: PUBLIC_URL,
  host: '127.0.0.1',
  port: 0,
  twilioAuthToken: twilio.authToken,
  env: (name) => (name === 'ANA_NUMBER' ? ANA : undefined),
  alertChanged: async (alertId) => void told.push(`alert ${alertId}`),
  deliveryChanged: async (alertId) => void told.push(`delivery ${alertId}`),
  log: pino({ base: null }, { write: (line) => void lines.push(line) }),
  ...more,
});

beforeAll(async () => {
  house = await openHouse();
  loader = await house.open(house.loaderUrl, 'callbacks', 4);
  twilio = await TwilioStub.start();
});
afterAll(async () => {
  await twilio[Symbol.asyncDispose]();
  await house[Symbol.asyncDispose]();
});
beforeEach(async () => {
  told.length = 0;
  lines.length = 0;
  door = await openCallbacks(parts()); // who was refused how often is forgotten with the door
  twilio.reachBy(PUBLIC_URL, door.url);
  return () => door.close();
});

interface Alert {
  readonly alertId: string;
  readonly code: number;
}

async function fire(onCall: OnCall = ON_CALL, state = 'firing'): Promise<Alert> {
  const [alert] = await house.ask<Alert>(
    `insert into nighttrain.alert (rule, severity, subject, sentence, facts, runbook, on_call, paging, state)
     values ('night-failed', 'error', $1, 'Is <b>this</b> read?', '{}', 'replay-a-day', $2, 'under way', $3)
     returning alert_id as "alertId", code::int`,
    [randomUUID(), JSON.stringify(onCall), state],
  );
  if (!alert) throw new Error('no alert was made');
  return alert;
}

/** A page to Ana that Twilio has taken. */
async function page({ alertId }: Alert, state = 'sent'): Promise<string> {
  const sid = `SM${randomBytes(16).toString('hex')}`;
  await house.ask(
    `insert into nighttrain.alert_delivery (alert_id, firing, round, level, person, channel, address, state, provider_id)
     values ($1, 1, 1, 1, 'ana', 'sms', '$ANA_NUMBER', $2, $3)`,
    [alertId, state, sid],
  );
  return sid;
}

/** Everything that alerting keeps. */
async function archive(but: readonly string[] = []): Promise<unknown> {
  const tables = ['alert', 'alert_event', 'alert_delivery', 'alert_link', 'alert_callback', 'alert_evidence'];
  const kept = tables.filter((table) => !but.includes(table));
  const columns = kept.map(
    (table) => `(select jsonb_agg(t order by t::text) from nighttrain.${table} t) as ${table}`,
  );
  return (await house.ask(`select ${columns.join(', ')}`))[0];
}

/** What an outsider does, while nothing in the archive changes and nobody is told of anything. */
async function inVain<Result>(act: () => Promise<Result>, but?: readonly string[]): Promise<Result> {
  const before = await archive(but);
  const toldBefore = [...told];
  const result = await act();
  expect(await archive(but)).toEqual(before);
  expect(told).toEqual(toldBefore);
  return result;
}

const statusUrl = `${PUBLIC_URL}/twilio/status`;
const replyUrl = `${PUBLIC_URL}/twilio/reply`;
const status = (sid: string, word: string, errorCode?: number) =>
  twilio.statusParams({ sid, params: { From: twilio.from, To: ANA }, status: word, errorCode });
const tellStatus = (sid: string, word: string, errorCode?: number) =>
  twilio.call(statusUrl, status(sid, word, errorCode));
const delivery = async (sid: string) =>
  (
    await house.ask(
      `select state, error, settled_at is not null as settled from nighttrain.alert_delivery where provider_id = $1`,
      [sid],
    )
  )[0];
const stateOf = async ({ alertId }: Alert) =>
  (
    await house.ask(
      `select state, acknowledged_by as by, acknowledged_via as via from nighttrain.alert where alert_id = $1`,
      [alertId],
    )
  )[0];
const FIRING = { state: 'firing', by: null, via: null };

/** All the ways not to be Twilio. */
const FORGERIES: readonly [string, (params: Record<string, string>, url: string) => string | undefined][] = [
  ['no signature', () => undefined],
  ['an empty signature', () => ''],
  ['a signature of noise', () => randomBytes(20).toString('base64')],
  ['the signature of another URL', (params) => twilio.signature(`${door.url}/twilio/status`, params)],
  ['the signature of other fields', (params, url) => twilio.signature(url, { ...params, To: BO })],
  ['the signature cut short', (params, url) => twilio.signature(url, params).slice(0, -1)],
];

describe('what became of a page', () => {
  test.each([
    ['delivered', undefined, { state: 'delivered', error: null, settled: true }],
    ['undelivered', 30_003, { state: 'undelivered', error: "Twilio's error 30003", settled: true }],
    ['failed', 30_006, { state: 'failed', error: "Twilio's error 30006", settled: true }],
  ])('%s is kept, and the escalation looks at once', async (word, errorCode, kept) => {
    const alert = await fire();
    const sid = await page(alert);
    expect(await tellStatus(sid, word, errorCode)).toMatchObject({ status: 204 });
    expect(await delivery(sid)).toEqual(kept);
    expect(told).toEqual([`delivery ${alert.alertId}`]);
  });

  test('that it is on its way is nothing new', async () => {
    const sid = await page(await fire());
    for (const word of ['queued', 'sent'])
      expect(await inVain(() => tellStatus(sid, word))).toMatchObject({ status: 204 });
  });

  test.each(FORGERIES)('is not believed with %s', async (_, forge) => {
    const sid = await page(await fire());
    const params = status(sid, 'delivered');
    const answer = await inVain(() => twilio.call(statusUrl, params, forge(params, statusUrl) ?? 'none'));
    expect(answer.status).toBe(403);
    const unsigned = await inVain(() =>
      fetch(`${door.url}/twilio/status`, { method: 'POST', body: new URLSearchParams(params) }),
    );
    expect(unsigned.status).toBe(403);
  });

  test('is not believed where there is no token to check it with', async () => {
    const deaf = await openCallbacks(parts({ twilioAuthToken: undefined }));
    twilio.reachBy(PUBLIC_URL, deaf.url);
    const sid = await page(await fire());
    expect(await inVain(() => tellStatus(sid, 'delivered'))).toMatchObject({ status: 403 });
    await deaf.close();
  });

  test('is taken once: a replay is refused', async () => {
    const sid = await page(await fire());
    await tellStatus(sid, 'delivered');
    expect(await inVain(() => tellStatus(sid, 'delivered'))).toMatchObject({ status: 409 });
  });

  test('is taken once, also by many at the same time', async () => {
    const sid = await page(await fire());
    const answers = await Promise.all(Array.from({ length: 8 }, () => tellStatus(sid, 'delivered')));
    expect(answers.filter((answer) => answer.status === 204)).toHaveLength(1);
    expect(told).toHaveLength(1);
  });

  test('that is faster than our note of the page waits for it', async () => {
    const sid = await page(await fire());
    await house.ask(`update nighttrain.alert_delivery set provider_id = 'not yet' where provider_id = $1`, [
      sid,
    ]);
    using looks = vi.spyOn(loader, 'transaction');
    const telling = tellStatus(sid, 'delivered');
    await vi.waitUntil(() => looks.mock.calls.length > 1); // the first has found nothing
    await house.ask(`update nighttrain.alert_delivery set provider_id = $1 where provider_id = 'not yet'`, [
      sid,
    ]);
    expect(await telling).toMatchObject({ status: 204 });
    expect(await delivery(sid)).toMatchObject({ state: 'delivered' });
  });

  test.each(['sent', 'queued', 'undelivered', 'failed'])(
    'does not go back from delivered to %s',
    async (word) => {
      const sid = await page(await fire(), 'delivered');
      expect(await inVain(() => tellStatus(sid, word))).toMatchObject({ status: 409 });
    },
  );

  test('of an alert that is resolved is late', async () => {
    const sid = await page(await fire(ON_CALL, 'resolved'));
    expect(await inVain(() => tellStatus(sid, 'delivered'))).toMatchObject({ status: 409 });
  });

  test('of a firing that is over is late', async () => {
    const alert = await fire();
    const sid = await page(alert);
    await house.ask(`update nighttrain.alert set firing = 2 where alert_id = $1`, [alert.alertId]);
    expect(await inVain(() => tellStatus(sid, 'delivered'))).toMatchObject({ status: 409 });
  });

  test.each([
    ['nobody knows', `SM${'0'.repeat(32)}`, 'delivered'],
    ['is called a word that nobody knows', undefined, 'vanished'],
  ])('of a page that %s is refused', async (_, unknown, word) => {
    const sid = unknown ?? (await page(await fire()));
    expect(await inVain(() => tellStatus(sid, word))).toMatchObject({ status: 404 });
  });

  test('is taken from Twilio during a flood of forgeries, each of which is refused', async () => {
    const sid = await page(await fire());
    const params = status(sid, 'delivered');
    const codes = await inVain(async () => {
      const answers = [];
      for (let times = 0; times < 40; times++) answers.push(await twilio.call(statusUrl, params, 'forged'));
      return answers.map((answer) => answer.status);
    });
    expect(new Set(codes)).toEqual(new Set([403, 429]));
    expect(await tellStatus(sid, 'delivered')).toMatchObject({ status: 204 });
  });

  test.each([
    ['application/json', '{}', 415],
    ['application/x-www-form-urlencoded', `Body=${'x'.repeat(20_000)}`, 413],
    ['application/x-www-form-urlencoded', '', 403],
  ])('as %s that it should not be is refused unread', async (contentType, body, code) => {
    const headers = { 'content-type': contentType, 'x-twilio-signature': 'x' };
    const answer = await inVain(() => fetch(`${door.url}/twilio/status`, { method: 'POST', headers, body }));
    expect(answer.status).toBe(code);
  });
});

describe('a reply', () => {
  const reply = (from: string, body: string, sid?: string) =>
    twilio.call(replyUrl, twilio.replyParams(from, body, sid));

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
    const alert = await fire();
    const { status: code, body } = await reply(ANA, `Ack ${alert.code}`);
    expect(code).toBe(200);
    expect(body).toContain(`<Message>${alert.code} is acknowledged. Nobody else is called.</Message>`);
    expect(await stateOf(alert)).toEqual({ state: 'acknowledged', by: 'ana', via: 'sms' });
    expect(told).toEqual([`alert ${alert.alertId}`]);
  });

  test('with a wrong code gets a sentence back and changes nothing', async () => {
    await fire();
    const { body } = await inVain(() => reply(ANA, 'ACK 999999999'), ['alert_callback']);
    expect(body).toContain(
      'No alert that you are on call for has the number 999999999. Nothing was changed.',
    );
  });

  test('of somebody who is on call for another alert changes nothing', async () => {
    const alert = await fire();
    await fire(ON_CALL_OF_BO);
    const { body } = await inVain(() => reply(BO, `ACK ${alert.code}`), ['alert_callback']);
    expect(body).toContain('No alert that you are on call for');
    expect(await stateOf(alert)).toEqual(FIRING);
  });

  test('of a stranger changes nothing, and is not answered', async () => {
    const alert = await fire();
    const answer = await inVain(() => reply(STRANGER, `ACK ${alert.code}`), ['alert_callback']);
    expect(answer.status).toBe(403);
    expect(answer.body).not.toContain('Message');
  });

  test('that is no acknowledgement is told how to write one', async () => {
    await fire();
    const { body } = await inVain(() => reply(ANA, 'on my way!'), ['alert_callback']);
    expect(body).toContain('reply ACK and the number');
  });

  test.each(FORGERIES)('is not believed with %s', async (_, forge) => {
    const { code } = await fire();
    const params = twilio.replyParams(ANA, `ACK ${code}`);
    const answer = await inVain(() => twilio.call(replyUrl, params, forge(params, replyUrl) ?? 'none'));
    expect(answer.status).toBe(403);
  });

  test('that is replayed changes nothing, also when the alert fires again', async () => {
    const alert = await fire();
    const sid = `SM${randomBytes(16).toString('hex')}`;
    await reply(ANA, `ACK ${alert.code}`, sid);
    expect(await inVain(() => reply(ANA, `ACK ${alert.code}`, sid))).toMatchObject({ status: 409 });
    await fireAgain(alert);
    expect(await inVain(() => reply(ANA, `ACK ${alert.code}`, sid))).toMatchObject({ status: 409 });
    expect(await stateOf(alert)).toMatchObject({ state: 'firing' });
  });

  test('with a code that no alert has yet is no good once one has it', async () => {
    const { code } = await fire();
    const sid = `SM${randomBytes(16).toString('hex')}`;
    await inVain(() => reply(ANA, `ACK ${code + 1}`, sid), ['alert_callback']);
    const next = await fire();
    expect(next.code).toBe(code + 1);
    expect(await inVain(() => reply(ANA, `ACK ${next.code}`, sid))).toMatchObject({ status: 409 });
    expect(await stateOf(next)).toEqual(FIRING);
  });

  test('that comes when the alert is resolved changes nothing, then or when it fires again', async () => {
    const alert = await fire(ON_CALL, 'resolved');
    const sid = `SM${randomBytes(16).toString('hex')}`;
    // That it came is kept, so that it cannot come again.
    const { body } = await inVain(() => reply(ANA, `ACK ${alert.code}`, sid), ['alert_callback']);
    expect(body).toContain('was resolved before. Nothing was changed.');
    await fireAgain(alert);
    expect(await inVain(() => reply(ANA, `ACK ${alert.code}`, sid))).toMatchObject({ status: 409 });
  });

  test('that comes second is told who was first', async () => {
    const alert = await fire();
    const answers = await Promise.all([1, 2, 3].map(() => reply(ANA, `ACK ${alert.code}`)));
    const bodies = answers.map(({ body }) => body).sort();
    expect(bodies.filter((body) => body.includes('is acknowledged. Nobody else'))).toHaveLength(1);
    expect(bodies.filter((body) => body.includes('was acknowledged by ana before'))).toHaveLength(2);
    expect(told).toHaveLength(1);
  });

  async function fireAgain({ alertId }: Alert): Promise<void> {
    await house.ask(
      `update nighttrain.alert set state = 'firing', firing = firing + 1, acknowledged_at = null where alert_id = $1`,
      [alertId],
    );
  }
});

describe('a link', () => {
  const link = async (alert: Alert, firing = 1) => {
    const url = await makeLink(loader, PUBLIC_URL, { alertId: alert.alertId, firing, person: 'ana' });
    return { url: url.replace(PUBLIC_URL, door.url), token: url.split('/').at(-1) ?? '' };
  };
  const post = (url: string) => fetch(url, { method: 'POST', body: new URLSearchParams() });

  test('shows one button, whoever looks at it and how often, and looking changes nothing', async () => {
    const { url } = await link(await fire());
    const [first, second] = await inVain(async () => [await fetch(url), await fetch(url)] as const);
    expect([first.status, second.status]).toEqual([200, 200]);
    const html = await first.text();
    expect(html.match(/<button>Acknowledge as ana<\/button>/g)).toHaveLength(1);
    expect(html).toContain('Is &lt;b&gt;this&lt;/b&gt; read?');
    expect(html).not.toMatch(/<script|src=|href=|https?:/);
    expect(first.headers.get('cache-control')).toBe('no-store');
    expect(first.headers.get('referrer-policy')).toBe('no-referrer');
    expect(first.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-\S+'; /,
    );
  });

  test('acknowledges by one POST, once', async () => {
    const alert = await fire();
    const { url } = await link(alert);
    expect(await (await post(url)).text()).toContain('It is acknowledged.');
    expect(await stateOf(alert)).toEqual({ state: 'acknowledged', by: 'ana', via: 'link' });
    expect(told).toEqual([`alert ${alert.alertId}`]);
    expect((await inVain(() => post(url))).status).toBe(410);
    expect((await inVain(() => fetch(url))).status).toBe(410);
  });

  test('that many follow at the same time acknowledges once', async () => {
    const { url } = await link(await fire());
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(url)));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
    expect(told).toHaveLength(1);
  });

  test.each([
    ['was used', `update nighttrain.alert_link set used_at = clock_timestamp() where alert_id = $1`],
    ['has expired', `update nighttrain.alert_link set expires_at = clock_timestamp() where alert_id = $1`],
    ['is of a resolved alert', `update nighttrain.alert set state = 'resolved' where alert_id = $1`],
    ['is of a firing that is over', `update nighttrain.alert set firing = 2 where alert_id = $1`],
    ['is of an acknowledged alert', `update nighttrain.alert set state = 'acknowledged' where alert_id = $1`],
  ])('that %s acknowledges nothing', async (_, make) => {
    const alert = await fire();
    const { url } = await link(alert);
    await house.ask(make, [alert.alertId]);
    expect((await inVain(() => post(url))).status).toBe(410);
  });

  const guess = () => post(`${door.url}/ack/${randomBytes(16).toString('base64url')}`);

  test('that leads nowhere says so, and a flood of guesses fills no log', async () => {
    const codes = await inVain(async () => {
      const seen = [];
      for (let times = 0; times < 40; times++) seen.push((await guess()).status);
      return seen;
    });
    expect([codes[0], codes.at(-1)]).toEqual([404, 429]);
    expect(lines.filter((line) => line.includes('a link was guessed'))).toHaveLength(30);
  });

  test('is good while others guess links and forge calls of Twilio, also from the same address', async () => {
    const alert = await fire();
    const { url } = await link(alert);
    for (let times = 0; times < 40; times++) {
      await guess();
      await twilio.call(statusUrl, status('SM1', 'delivered'), 'forged');
    }
    expect((await fetch(url)).status).toBe(200);
    expect((await post(url)).status).toBe(200);
    expect(await stateOf(alert)).toMatchObject({ state: 'acknowledged' });
  });

  test('that is guessed behind the proxy of this machine is held against whoever guesses, not against the proxy', async () => {
    const from = async (caller: string) =>
      (await fetch(`${door.url}/ack/x`, { headers: { 'x-forwarded-for': caller } })).status;
    for (let times = 0; times < 40; times++) await from('203.0.113.9');
    expect([await from('203.0.113.9'), await from('198.51.100.7')]).toEqual([429, 404]);
  });

  test('is in no table and in no line of the log', async () => {
    const { url, token } = await link(await fire());
    await fetch(url);
    await post(url);
    expect(JSON.stringify(await archive())).not.toContain(token);
    expect(lines.join('')).not.toContain(token);
  });
});

describe('the door', () => {
  test('says nothing of numbers, texts and tokens in the log', async () => {
    const alert = await fire();
    const params = twilio.replyParams(ANA, `ACK ${alert.code} please do not quote me`);
    await twilio.call(replyUrl, params);
    await twilio.call(replyUrl, params, 'forged');
    await tellStatus(await page(alert), 'delivered');
    expect(lines.length).toBeGreaterThan(2);
    for (const secret of [ANA, 'quote me', twilio.authToken]) expect(lines.join('')).not.toContain(secret);
  });

  test('takes nothing while the archive is away, and says so', async () => {
    const away = await house.open(house.loaderUrl, 'away');
    await away.destroy();
    const dark = await openCallbacks(parts({ warehouse: away }));
    twilio.reachBy(PUBLIC_URL, dark.url);
    const alert = await fire();
    const answer = await inVain(() => twilio.call(replyUrl, twilio.replyParams(ANA, `ACK ${alert.code}`)));
    expect(answer).toEqual({ status: 503, body: '' });
    await dark.close();
  });

  test('acknowledges also while Temporal is away: the archive has it, and the log says what is missing', async () => {
    const alertChanged = () => Promise.reject(new Error('no Temporal'));
    const half = await openCallbacks(parts({ alertChanged }));
    twilio.reachBy(PUBLIC_URL, half.url);
    const alert = await fire();
    const { body } = await twilio.call(replyUrl, twilio.replyParams(ANA, `ACK ${alert.code}`));
    expect(body).toContain('is acknowledged');
    expect(await stateOf(alert)).toMatchObject({ state: 'acknowledged' });
    expect(lines.join('')).toContain('an escalation could not be told');
    await half.close();
  });

  test('has nothing else behind it', async () => {
    for (const path of ['/', '/ack', '/twilio', '/metrics', '/ack/a/b'])
      expect((await fetch(`${door.url}${path}`)).status).toBe(404);
  });

  test('that another program has is a matter of configuration', async () => {
    const port = Number(new URL(door.url).port);
    await expect(openCallbacks(parts({ port }))).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: `Nobody can call us back: 127.0.0.1:${port} cannot be listened on`,
    });
  });
});
