import { randomUUID } from 'node:crypto';
import { createTransport } from 'nodemailer';
import {
  AddressRejected,
  ChannelUnavailable,
  ConfigurationError,
  type NightTrainError,
} from '../../rules/errors.ts';
import type { Channel, Handed, Page } from './channel.ts';
import { headline, pageLines } from './message.ts';
import { DEFAULT_PATIENCE, persist, type Patience } from './patience.ts';
import { happened } from './unanswered.ts';

export interface EmailSetup {
  /** `smtps://user:password@host:465`, or `smtp://` with STARTTLS where the server has it. */
  readonly smtpUrl: string;
  readonly from: string;
}

/** Pages by mail. A server that took one says nothing of a reader: it is never more than `sent`. */
export class Email implements Channel {
  readonly #setup: EmailSetup;
  readonly #patience: Patience;

  constructor(setup: EmailSetup, patience: Patience = DEFAULT_PATIENCE) {
    this.#setup = setup;
    this.#patience = patience;
  }

  async send(page: Page, address: string, signal: AbortSignal): Promise<Handed> {
    const messageId = `<${randomUUID()}@nighttrain>`; // the same for every try: who gets it twice sees it once
    const mail = {
      messageId,
      from: this.#setup.from,
      to: { name: '', address },
      subject: `[${page.severity}] ${headline(page)}`.slice(0, 200),
      text: `${pageLines(page).join('\n')}\n`,
      headers: { 'Auto-Submitted': 'auto-generated' },
      disableFileAccess: true,
      disableUrlAccess: true,
    };
    return persist(
      async (callSignal) => {
        try {
          await this.#transport().sendMail({ ...mail, signal: callSignal });
          return { providerId: messageId, state: 'sent' };
        } catch (error) {
          throw smtpError(error, callSignal.aborted);
        }
      },
      this.#patience,
      signal,
    );
  }

  /** Whether the server answers and lets us in; sends nothing. */
  async check(): Promise<void> {
    try {
      await this.#transport().verify();
    } catch (error) {
      throw smtpError(error, false);
    }
  }

  #transport() {
    const { smtpUrl } = this.#setup;
    const { callMs } = this.#patience;
    const { username, hostname, searchParams } = new URL(smtpUrl);
    const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
    return createTransport({
      url: smtpUrl,
      logger: false,
      connectionTimeout: callMs,
      greetingTimeout: callMs,
      socketTimeout: callMs,
      dnsTimeout: callMs,
      // A password goes over no wire that others may read, unless the URL says so.
      ...(username !== '' && !isHere && !searchParams.has('requireTLS') ? { requireTLS: true } : {}),
    });
  }
}

/** What an error of SMTP means, by its code: the server's own words repeat the address, and may repeat more (R17). */
function smtpError(error: unknown, timedOut: boolean): NightTrainError {
  const { code, responseCode, command } = error as {
    readonly code?: unknown;
    readonly responseCode?: unknown;
    readonly command?: unknown;
  };
  const status = typeof responseCode === 'number' ? responseCode : undefined;
  const detail = [typeof command === 'string' ? command.split(' ')[0] : '', status].filter(Boolean).join(' ');
  if (code === 'EAUTH' || code === 'ENOAUTH') {
    return new ConfigurationError('The mail server does not let us in', {
      detail,
      hint: 'Correct user and password in SMTP_URL, then: npx nighttrain doctor',
    });
  }
  if (status === undefined || status < 500) {
    const what = status === undefined ? happened(code, timedOut) : 'does not take the page now';
    return new ChannelUnavailable(`The mail server ${what}`, {
      detail,
      hint: 'It is tried again by itself; if it goes on, check SMTP_URL and the server.',
    });
  }
  if (typeof command === 'string' && /^(MAIL|EHLO|HELO|STARTTLS)/.test(command)) {
    return new ConfigurationError('The mail server does not take mail from us', {
      detail,
      hint: 'Correct SMTP_FROM and SMTP_URL, then: npx nighttrain doctor',
    });
  }
  return new AddressRejected('The mail server refuses this mailbox', {
    detail,
    hint: 'Correct the address in on-call.yaml, then: npx nighttrain alert test',
  });
}
