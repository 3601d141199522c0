import { ChannelUnavailable } from '../../rules/errors.ts';
import type { Channel, DeliveryState, Handed, Page } from './channel.ts';
import { smsText } from './message.ts';
import { DEFAULT_PATIENCE, persist, type Patience } from './patience.ts';
import { callTwilio, type TwilioAccount } from './twilio-client.ts';

export interface SmsSetup {
  readonly account: TwilioAccount;
  /** A number or a sender's name; or a messaging service, which chooses one. */
  readonly sender: { readonly from: string } | { readonly messagingServiceSid: string };
  /** Where Twilio tells what became of a message; none where nobody outside reaches us. */
  readonly statusCallback: string | undefined;
  /** Whether a reply to the sender reaches us. */
  readonly canReply: boolean;
}

/** Twilio's bounds on how long a message may wait in its queue, seconds. */
const VALIDITY = { least: 1, most: 36_000 };

/** Twilio's words for what became of a message. */
const STATES: Readonly<Record<string, DeliveryState>> = {
  accepted: 'sent',
  scheduled: 'sent',
  queued: 'sent',
  sending: 'sent',
  sent: 'sent',
  delivered: 'delivered',
  read: 'delivered',
  undelivered: 'undelivered',
  failed: 'failed',
  canceled: 'failed',
};

/** Undefined for a word that Twilio had not when this was written. */
export function smsState(status: string): DeliveryState | undefined {
  return Object.hasOwn(STATES, status) ? STATES[status] : undefined;
}

/** Pages by SMS, through Twilio's own SDK. */
export class Sms implements Channel {
  readonly #setup: SmsSetup;
  readonly #patience: Patience;

  constructor(setup: SmsSetup, patience: Patience = DEFAULT_PATIENCE) {
    this.#setup = setup;
    this.#patience = patience;
  }

  /** A time-out after Twilio took the page is tried again too: rather twice than not at all. */
  async send(page: Page, address: string, signal: AbortSignal): Promise<Handed> {
    const { account, sender, statusCallback, canReply } = this.#setup;
    const seconds = Math.floor(page.validForMs / 1000);
    const message = {
      to: address,
      body: smsText(page, { canReply }),
      validityPeriod: Math.min(Math.max(seconds, VALIDITY.least), VALIDITY.most),
      ...sender,
      ...(statusCallback === undefined ? {} : { statusCallback }),
    };
    return persist(
      async (callSignal) => {
        const { sid } = await callTwilio(account, callSignal, (client) => client.messages.create(message));
        if (/^[A-Z]{2}[0-9a-f]{32}$/.test(sid)) return { providerId: sid, state: 'sent' };
        throw new ChannelUnavailable('What answers in the place of Twilio names no message');
      },
      this.#patience,
      signal,
    );
  }

  async stateOf(providerId: string, signal: AbortSignal): Promise<DeliveryState | undefined> {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(this.#patience.callMs)]);
    const { status } = await callTwilio(this.#setup.account, bounded, (client) =>
      client.messages(providerId).fetch(),
    );
    return smsState(status);
  }

  /** Whether Twilio lets us in: asks for one message, sends none. API keys may not look at the account itself. */
  async check(signal: AbortSignal): Promise<void> {
    await callTwilio(this.#setup.account, signal, (client) => client.messages.list({ limit: 1 }));
  }
}
