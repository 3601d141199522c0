import { appendFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Paging } from '../../worker/paging.ts';
import type { House } from './house.ts';
import { until } from './intake.ts';
import type { StubMessage, TwilioStub } from './twilio.ts';

/** What the outside calls; nobody resolves it, the stub knows where it is in truth. */
export const PUBLIC_URL = 'https://ops.example.test/nt';

/** SMS by way of the stub; replies and callbacks come to a port of the worker's own. */
export function pagingBy(twilio: TwilioStub): Paging {
  return {
    sms: {
      account: twilio.account,
      sender: { from: twilio.from },
      statusCallback: `${PUBLIC_URL}/twilio/status`,
      canReply: true,
    },
    email: undefined,
    pagerDutyRoutingKey: undefined,
    callbacks: { publicUrl: PUBLIC_URL, host: '127.0.0.1', port: 0 },
    twilioAuthToken: twilio.authToken,
  };
}

/** Has the stub's callbacks come to the worker that said where it listens. */
export function connectCallbacks(house: House, twilio: TwilioStub): void {
  const line = house.lines.find((one) => one.includes('"listening"'));
  const { listening } = JSON.parse(line ?? '{}') as { listening?: string };
  if (listening === undefined) throw new Error('no worker hears the outside');
  twilio.reachBy(PUBLIC_URL, listening);
}

/** An SMS to a number, and when it was there: milliseconds since the epoch, to a few. */
export interface Arrived {
  readonly message: StubMessage;
  readonly at: number;
}

/** Waits for an SMS to a number that is about something. */
export async function smsTo(
  twilio: TwilioStub,
  number: string,
  about: string,
  withinMs = 30_000,
): Promise<Arrived> {
  const find = () =>
    twilio.messages.find(({ params }) => params['To'] === number && params['Body']?.includes(about));
  await until(() => find() !== undefined, withinMs);
  return { message: find() as StubMessage, at: Date.now() };
}

/**
 * Keeps a figure for docs/reliability.md: a line of JSON in the file that NIGHTTRAIN_FIGURES names, where one is named.
 * A test's own bounds are what must hold; the figures are what it came to.
 */
export async function keepFigure(fault: string, how: string, ms: number): Promise<void> {
  const file = process.env['NIGHTTRAIN_FIGURES'];
  if (file)
    await appendFile(resolve(file), `${JSON.stringify({ fault, how, seconds: (ms / 1000).toFixed(1) })}\n`);
}
