import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Webhook } from '../../alerting/channels/webhook.ts';
import { handOver } from '../../alerting/paging/hand-over.ts';
import { pageOf } from '../support/pages.ts';

const never = new AbortController().signal;

test.each([
  [{}, 'HOOK is not set where the worker (or the watchdog) runs'],
  [{ HOOK: 'nope' }, 'HOOK does not hold an http(s) URL where the worker (or the watchdog) runs'],
])('a page whose variable (%o) gives no address says where to look, and calls nobody', async (env, error) => {
  const variables: Readonly<Record<string, string>> = env;
  const desk = {
    channels: { webhook: new Webhook({ pagerDutyRoutingKey: undefined }) },
    env: (name: string) => variables[name],
    log: pino({ level: 'silent' }),
  };
  const to = { channel: 'webhook', address: 'slack $HOOK' } as const;
  expect(await handOver(desk, pageOf(), to, { signal: never, stop: never })).toEqual({
    state: 'failed',
    providerId: null,
    error,
    isChannelDown: false,
  });
});
