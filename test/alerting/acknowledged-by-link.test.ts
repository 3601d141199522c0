import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { makeLink } from '../../alerting/callbacks/links.ts';
import { shareOutside, STATUS_URL, type FiredAlert } from '../support/outside.ts';
import { PUBLIC_URL } from '../support/paging.ts';

const outside = shareOutside();

describe('a link', () => {
  const link = async (alert: FiredAlert, firing = 1) => {
    const url = await makeLink(outside.loader, PUBLIC_URL, { alertId: alert.alertId, firing, person: 'ana' });
    return { url: url.replace(PUBLIC_URL, outside.door.url), token: url.split('/').at(-1) ?? '' };
  };
  const post = (url: string) => fetch(url, { method: 'POST', body: new URLSearchParams() });

  test('shows one button, whoever looks at it and how often, and looking changes nothing', async () => {
    const { url } = await link(await outside.fire());
    const [first, second] = await outside.inVain(async () => [await fetch(url), await fetch(url)] as const);
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
    const alert = await outside.fire();
    const { url } = await link(alert);
    expect(await (await post(url)).text()).toContain('It is acknowledged.');
    expect(await outside.stateOf(alert)).toEqual({ state: 'acknowledged', by: 'ana', via: 'link' });
    expect(outside.told).toEqual([`alert ${alert.alertId}`]);
    expect((await outside.inVain(() => post(url))).status).toBe(410);
    expect((await outside.inVain(() => fetch(url))).status).toBe(410);
  });

  test('that many follow at the same time acknowledges once', async () => {
    const { url } = await link(await outside.fire());
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(url)));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
    expect(outside.told).toHaveLength(1);
  });

  test.each([
    ['was used', `update nighttrain.alert_link set used_at = clock_timestamp() where alert_id = $1`],
    ['has expired', `update nighttrain.alert_link set expires_at = clock_timestamp() where alert_id = $1`],
    ['is of a resolved alert', `update nighttrain.alert set state = 'resolved' where alert_id = $1`],
    ['is of a firing that is over', `update nighttrain.alert set firing = 2 where alert_id = $1`],
    ['is of an acknowledged alert', `update nighttrain.alert set state = 'acknowledged' where alert_id = $1`],
  ])('that %s acknowledges nothing', async (_, make) => {
    const alert = await outside.fire();
    const { url } = await link(alert);
    await outside.house.ask(make, [alert.alertId]);
    expect((await outside.inVain(() => post(url))).status).toBe(410);
  });

  const guess = () => post(`${outside.door.url}/ack/${randomBytes(16).toString('base64url')}`);

  test('that leads nowhere says so, and a flood of guesses fills no log', async () => {
    const codes = await outside.inVain(async () => {
      const seen = [];
      for (let times = 0; times < 40; times++) seen.push((await guess()).status);
      return seen;
    });
    expect([codes[0], codes.at(-1)]).toEqual([404, 429]);
    expect(outside.lines.filter((line) => line.includes('a link was guessed'))).toHaveLength(30);
  });

  test('is good while others guess links and forge calls of Twilio, also from the same address', async () => {
    const alert = await outside.fire();
    const { url } = await link(alert);
    for (let times = 0; times < 40; times++) {
      await guess();
      await outside.twilio.call(STATUS_URL, outside.status('SM1', 'delivered'), 'forged');
    }
    expect((await fetch(url)).status).toBe(200);
    expect((await post(url)).status).toBe(200);
    expect(await outside.stateOf(alert)).toMatchObject({ state: 'acknowledged' });
  });

  test('that is guessed behind the proxy of this machine is held against whoever guesses, not against the proxy', async () => {
    const from = async (caller: string) =>
      (await fetch(`${outside.door.url}/ack/x`, { headers: { 'x-forwarded-for': caller } })).status;
    for (let times = 0; times < 40; times++) await from('203.0.113.9');
    expect([await from('203.0.113.9'), await from('198.51.100.7')]).toEqual([429, 404]);
  });

  test('is in no table and in no line of the log', async () => {
    const { url, token } = await link(await outside.fire());
    await fetch(url);
    await post(url);
    expect(JSON.stringify(await outside.archive())).not.toContain(token);
    expect(outside.lines.join('')).not.toContain(token);
  });
});
