import { describe, expect, test, vi } from 'vitest';
import { openCallbacks } from '../../alerting/callbacks/callbacks.ts';
import { ANA, forgeriesOf, ON_CALL, REPLY_URL, shareOutside, STATUS_URL } from '../support/outside.ts';
import { PUBLIC_URL } from '../support/paging.ts';

/** The door that Twilio calls us back by, and what it says there of our pages. */

const outside = shareOutside();

const delivery = async (sid: string) =>
  (
    await outside.house.ask(
      `select state, error, settled_at is not null as settled from nighttrain.alert_delivery where provider_id = $1`,
      [sid],
    )
  )[0];

describe('what became of a page', () => {
  test.each([
    ['delivered', undefined, { state: 'delivered', error: null, settled: true }],
    ['undelivered', 30_003, { state: 'undelivered', error: "Twilio's error 30003", settled: true }],
    ['failed', 30_006, { state: 'failed', error: "Twilio's error 30006", settled: true }],
  ])('%s is kept, and the escalation looks at once', async (word, errorCode, kept) => {
    const alert = await outside.fire();
    const sid = await outside.page(alert);
    expect(await outside.tellStatus(sid, word, errorCode)).toMatchObject({ status: 204 });
    expect(await delivery(sid)).toEqual(kept);
    expect(outside.told).toEqual([`delivery ${alert.alertId}`]);
  });

  test('that it is on its way is nothing new', async () => {
    const sid = await outside.page(await outside.fire());
    for (const word of ['queued', 'sent'])
      expect(await outside.inVain(() => outside.tellStatus(sid, word))).toMatchObject({ status: 204 });
  });

  test.each(forgeriesOf(outside))('is not believed with %s', async (_, forge) => {
    const sid = await outside.page(await outside.fire());
    const params = outside.status(sid, 'delivered');
    const answer = await outside.inVain(() =>
      outside.twilio.call(STATUS_URL, params, forge(params, STATUS_URL) ?? 'none'),
    );
    expect(answer.status).toBe(403);
    const unsigned = await outside.inVain(() =>
      fetch(`${outside.door.url}/twilio/status`, { method: 'POST', body: new URLSearchParams(params) }),
    );
    expect(unsigned.status).toBe(403);
  });

  test('is not believed where there is no token to check it with', async () => {
    const deaf = await openCallbacks(outside.parts({ twilioAuthToken: undefined }));
    outside.twilio.reachBy(PUBLIC_URL, deaf.url);
    const sid = await outside.page(await outside.fire());
    expect(await outside.inVain(() => outside.tellStatus(sid, 'delivered'))).toMatchObject({ status: 403 });
    await deaf.close();
  });

  test('is taken once: a replay is refused', async () => {
    const sid = await outside.page(await outside.fire());
    await outside.tellStatus(sid, 'delivered');
    expect(await outside.inVain(() => outside.tellStatus(sid, 'delivered'))).toMatchObject({ status: 409 });
  });

  test('is taken once, also by many at the same time', async () => {
    const sid = await outside.page(await outside.fire());
    const answers = await Promise.all(Array.from({ length: 8 }, () => outside.tellStatus(sid, 'delivered')));
    expect(answers.filter((answer) => answer.status === 204)).toHaveLength(1);
    expect(outside.told).toHaveLength(1);
  });

  test('that is faster than our note of the page waits for it', async () => {
    const sid = await outside.page(await outside.fire());
    await outside.house.ask(
      `update nighttrain.alert_delivery set provider_id = 'not yet' where provider_id = $1`,
      [sid],
    );
    using looks = vi.spyOn(outside.loader, 'transaction');
    const telling = outside.tellStatus(sid, 'delivered');
    await vi.waitUntil(() => looks.mock.calls.length > 1); // the first has found nothing
    await outside.house.ask(
      `update nighttrain.alert_delivery set provider_id = $1 where provider_id = 'not yet'`,
      [sid],
    );
    expect(await telling).toMatchObject({ status: 204 });
    expect(await delivery(sid)).toMatchObject({ state: 'delivered' });
  });

  test.each(['sent', 'queued', 'undelivered', 'failed'])(
    'does not go back from delivered to %s',
    async (word) => {
      const sid = await outside.page(await outside.fire(), 'delivered');
      expect(await outside.inVain(() => outside.tellStatus(sid, word))).toMatchObject({ status: 409 });
    },
  );

  test('of an alert that is resolved is late', async () => {
    const sid = await outside.page(await outside.fire(ON_CALL, 'resolved'));
    expect(await outside.inVain(() => outside.tellStatus(sid, 'delivered'))).toMatchObject({ status: 409 });
  });

  test('of a firing that is over is late', async () => {
    const alert = await outside.fire();
    const sid = await outside.page(alert);
    await outside.house.ask(`update nighttrain.alert set firing = 2 where alert_id = $1`, [alert.alertId]);
    expect(await outside.inVain(() => outside.tellStatus(sid, 'delivered'))).toMatchObject({ status: 409 });
  });

  test.each([
    ['nobody knows', `SM${'0'.repeat(32)}`, 'delivered'],
    ['is called a word that nobody knows', undefined, 'vanished'],
  ])('of a page that %s is refused', async (_, unknown, word) => {
    const sid = unknown ?? (await outside.page(await outside.fire()));
    expect(await outside.inVain(() => outside.tellStatus(sid, word))).toMatchObject({ status: 404 });
  });

  test('is taken from Twilio during a flood of forgeries, each of which is refused', async () => {
    const sid = await outside.page(await outside.fire());
    const params = outside.status(sid, 'delivered');
    const codes = await outside.inVain(async () => {
      const answers = [];
      for (let times = 0; times < 40; times++)
        answers.push(await outside.twilio.call(STATUS_URL, params, 'forged'));
      return answers.map((answer) => answer.status);
    });
    expect(new Set(codes)).toEqual(new Set([403, 429]));
    expect(await outside.tellStatus(sid, 'delivered')).toMatchObject({ status: 204 });
  });

  test.each([
    ['application/json', '{}', 415],
    ['application/x-www-form-urlencoded', `Body=${'x'.repeat(20_000)}`, 413],
    ['application/x-www-form-urlencoded', '', 403],
  ])('as %s that it should not be is refused unread', async (contentType, body, code) => {
    const headers = { 'content-type': contentType, 'x-twilio-signature': 'x' };
    const answer = await outside.inVain(() =>
      fetch(`${outside.door.url}/twilio/status`, { method: 'POST', headers, body }),
    );
    expect(answer.status).toBe(code);
  });
});

describe('the door', () => {
  test('says nothing of numbers, texts and tokens in the log', async () => {
    const alert = await outside.fire();
    const params = outside.twilio.replyParams(ANA, `ACK ${alert.code} please do not quote me`);
    await outside.twilio.call(REPLY_URL, params);
    await outside.twilio.call(REPLY_URL, params, 'forged');
    await outside.tellStatus(await outside.page(alert), 'delivered');
    expect(outside.lines.length).toBeGreaterThan(2);
    for (const secret of [ANA, 'quote me', outside.twilio.authToken])
      expect(outside.lines.join('')).not.toContain(secret);
  });

  test('takes nothing while the archive is away, and says so', async () => {
    const away = await outside.house.open(outside.house.loaderUrl, 'away');
    await away.destroy();
    const dark = await openCallbacks(outside.parts({ warehouse: away }));
    outside.twilio.reachBy(PUBLIC_URL, dark.url);
    const alert = await outside.fire();
    const answer = await outside.inVain(() =>
      outside.twilio.call(REPLY_URL, outside.twilio.replyParams(ANA, `ACK ${alert.code}`)),
    );
    expect(answer).toEqual({ status: 503, body: '' });
    await dark.close();
  });

  test('acknowledges also while Temporal is away: the archive has it, and the log says what is missing', async () => {
    const alertChanged = () => Promise.reject(new Error('no Temporal'));
    const half = await openCallbacks(outside.parts({ alertChanged }));
    outside.twilio.reachBy(PUBLIC_URL, half.url);
    const alert = await outside.fire();
    const { body } = await outside.twilio.call(
      REPLY_URL,
      outside.twilio.replyParams(ANA, `ACK ${alert.code}`),
    );
    expect(body).toContain('is acknowledged');
    expect(await outside.stateOf(alert)).toMatchObject({ state: 'acknowledged' });
    expect(outside.lines.join('')).toContain('an escalation could not be told');
    await half.close();
  });

  test('has nothing else behind it', async () => {
    for (const path of ['/', '/ack', '/twilio', '/metrics', '/ack/a/b'])
      expect((await fetch(`${outside.door.url}${path}`)).status).toBe(404);
  });

  test('that another program has is a matter of configuration', async () => {
    const port = Number(new URL(outside.door.url).port);
    await expect(openCallbacks(outside.parts({ port }))).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: `Nobody can call us back: 127.0.0.1:${port} cannot be listened on`,
    });
  });
});
