import axios from 'axios';
import {
  AddressRejected,
  ChannelUnavailable,
  ConfigurationError,
  type NightTrainError,
} from '../../rules/errors.ts';
import { LONGEST_FACTS } from '../../rules/alert.ts';
import { WEBHOOK_FORMS, type WebhookForm } from '../../rules/on-call.ts';
import { isRetryableStatus, retryAfterMs } from '../../rules/retryable.ts';
import type { Channel, Handed, Page, Settlement } from './channel.ts';
import { ackCommand, headline, pageLines } from './message.ts';
import { DEFAULT_PATIENCE, persist, type Patience } from './patience.ts';
import { happened } from './unanswered.ts';

export interface WebhookSetup {
  /** Of a PagerDuty service's integration, Events API v2. */
  readonly pagerDutyRoutingKey: string | undefined;
}

/** What a webhook answers is of no interest; nobody makes us read more of it. */
const LONGEST_ANSWER_BYTES = 64 * 1024;

/** Pages by a POST of JSON: to Slack, to PagerDuty, to whoever has a URL. Whoever answers 2xx has it. */
export class Webhook implements Channel {
  readonly #setup: WebhookSetup;
  readonly #patience: Patience;

  constructor(setup: WebhookSetup, patience: Patience = DEFAULT_PATIENCE) {
    this.#setup = setup;
    this.#patience = patience;
  }

  /** @param address `<form> <URL>` */
  async send(page: Page, address: string, signal: AbortSignal): Promise<Handed> {
    const { form, url } = targetOf(address);
    await this.#post(url, this.#bodyOf(form, page), signal);
    return { providerId: null, state: 'delivered' };
  }

  /** Of those that are called PagerDuty alone keeps incidents. */
  async settle(
    alert: Pick<Page, 'alertId' | 'firing'>,
    settlement: Settlement,
    address: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { form, url } = targetOf(address);
    if (form !== 'pagerduty') return;
    const action = settlement === 'resolved' ? 'resolve' : 'acknowledge';
    await this.#post(url, pagerDutyEvent(alert, action, this.#routingKey()), signal);
  }

  async #post(url: string, body: unknown, signal: AbortSignal): Promise<void> {
    await persist((callSignal) => post(url, body, callSignal), this.#patience, signal);
  }

  #bodyOf(form: WebhookForm, page: Page): unknown {
    if (form === 'slack') return slackBody(page);
    if (form === 'json') return jsonBody(page);
    return pagerDutyBody(page, this.#routingKey());
  }

  #routingKey(): string {
    const { pagerDutyRoutingKey } = this.#setup;
    if (pagerDutyRoutingKey !== undefined) return pagerDutyRoutingKey;
    throw new ConfigurationError('A webhook is for PagerDuty, and PAGERDUTY_ROUTING_KEY is not set', {
      hint: "Set it to the key of the service's Events API v2 integration.",
    });
  }
}

function targetOf(address: string): { form: WebhookForm; url: string } {
  const [form = '', url = ''] = address.split(' ', 2);
  const known = WEBHOOK_FORMS.find((one) => one === form);
  if (known && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return { form: known, url };
  throw new AddressRejected('A webhook has no URL that can be called', {
    hint: 'Correct it in on-call.yaml, or the variable that it names, then: npx nighttrain doctor',
  });
}

async function post(url: string, body: unknown, signal: AbortSignal): Promise<void> {
  const { status, headers } = await axios
    .post<unknown>(url, body, {
      signal,
      maxRedirects: 0, // the page is for nobody else
      proxy: false,
      maxContentLength: LONGEST_ANSWER_BYTES,
      validateStatus: () => true,
      responseType: 'text',
    })
    .catch((error: unknown) => {
      throw unanswered(error, signal);
    });
  if (status >= 200 && status < 300) return;
  const retryAfter: unknown = (headers as Record<string, unknown>)['retry-after'];
  throw refusal(status, typeof retryAfter === 'string' ? retryAfter : undefined);
}

/** Of axios' errors the code alone: they carry the request with its URL and key (R17). */
function unanswered(error: unknown, signal: AbortSignal): NightTrainError {
  const { code } = error as { readonly code?: unknown };
  return new ChannelUnavailable(`A webhook ${happened(code, signal.aborted)}`, {
    hint: 'It is tried again by itself; if it goes on, check its URL in on-call.yaml, and the network.',
  });
}

function refusal(status: number, retryAfter: string | undefined): NightTrainError {
  const detail = `HTTP ${status}`;
  if (isRetryableStatus(status)) {
    const wait = retryAfterMs(retryAfter, Date.now());
    return new ChannelUnavailable('A webhook does not take the page now', {
      detail,
      ...(wait === undefined ? {} : { retryAfterMs: wait }),
    });
  }
  const what = status >= 300 && status < 400 ? 'sends us elsewhere' : 'refuses the page';
  return new AddressRejected(`A webhook ${what}`, {
    detail,
    hint: 'Correct its URL in on-call.yaml, or the key that it wants, then: npx nighttrain alert test',
  });
}

/** What is longer stays in the archive, which keeps no more of it itself. */
function boundedFacts({ facts }: Page): Page['facts'] {
  return JSON.stringify(facts).length <= LONGEST_FACTS ? facts : {};
}

function jsonBody(page: Page): unknown {
  const { alertId, code, rule, severity, dataset, businessDate, sentence, runbook, ackLink } = page;
  const facts = boundedFacts(page);
  const isOver = page.isOver ?? false;
  const acknowledge = { command: ackCommand(code), link: ackLink ?? null };
  return {
    version: 1,
    alertId,
    code: code ?? null,
    isOver,
    rule,
    severity,
    dataset,
    businessDate,
    sentence,
    facts,
    runbook,
    acknowledge,
  };
}

/** Slack reads `<…>` as a link or a mention, and asks that these three are escaped. */
function slackBody(page: Page): unknown {
  const escaped = (text: string) =>
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const [first = '', ...lines] = pageLines(page);
  return { text: `*${page.severity.toUpperCase()}* ${escaped(first)}\n${escaped(lines.join('\n').trim())}` };
}

/** PagerDuty's own bound. */
const LONGEST_SUMMARY = 1_024;

/**
 * An event about the incident of an alert. However often one firing is paged it is one incident there: `dedup_key`. What
 * fires anew must not be taken for more of what PagerDuty has perhaps not yet heard the end of.
 */
function pagerDutyEvent(
  { alertId, firing }: Pick<Page, 'alertId' | 'firing'>,
  action: 'trigger' | 'acknowledge' | 'resolve',
  routingKey: string,
) {
  const dedupKey = firing === 1 ? alertId : `${alertId}/${firing}`;
  return { routing_key: routingKey, event_action: action, dedup_key: dedupKey };
}

function pagerDutyBody(page: Page, routingKey: string): unknown {
  const { severity, dataset, rule, runbook, code, ackLink } = page;
  return {
    ...pagerDutyEvent(page, page.isOver ? 'resolve' : 'trigger', routingKey),
    payload: {
      summary: headline(page).slice(0, LONGEST_SUMMARY).toWellFormed(),
      source: 'nighttrain',
      severity: severity === 'warn' ? 'warning' : severity,
      ...(dataset === null ? {} : { component: dataset }),
      class: rule,
      custom_details: { ...boundedFacts(page), runbook, acknowledge: ackCommand(code) },
    },
    ...(ackLink === undefined ? {} : { links: [{ href: ackLink, text: 'Acknowledge' }] }),
  };
}
