import { describe, expect, test } from 'vitest';
import type { Page } from '../../alerting/channels/channel.ts';
import { Webhook } from '../../alerting/channels/webhook.ts';
import { AddressRejected, ChannelUnavailable } from '../../rules/errors.ts';
import { BRISK, never, ROUTING_KEY } from '../support/channels.ts';
import { HookStub } from '../support/hook.ts';
import { refusalOf } from '../support/intake.ts';
import { pageOf } from '../support/pages.ts';

const NO_KEY = { pagerDutyRoutingKey: undefined };

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
