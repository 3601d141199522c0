import type { BusinessDate } from '../../rules/business-date.ts';
import type { Severity } from '../../rules/alert-rules.ts';
import type { DeliveryState } from '../../rules/escalation.ts';
import type { ChannelKind } from '../../rules/on-call.ts';

export type { DeliveryState } from '../../rules/escalation.ts';
export type { ChannelKind } from '../../rules/on-call.ts';

/** What has become of an alert that somebody was paged for. */
export type Settlement = 'acknowledged' | 'resolved';

/** What a person is told; each channel words it in its own way. */
export interface Page {
  readonly alertId: string;
  /** How often it has fired: a provider that keeps incidents begins another each time. */
  readonly firing: number;
  /** What acknowledges it: `ACK <code>`, `npx nighttrain alert ack <code>`; the watchdog's own pages have none. */
  readonly code: number | undefined;
  /** Says that it is over: there is nothing left to acknowledge. */
  readonly isOver?: boolean;
  readonly rule: string;
  readonly severity: Severity;
  readonly dataset: string | null;
  readonly businessDate: BusinessDate | null;
  readonly sentence: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly runbook: string;
  /** Acknowledges by one POST; none where nobody outside reaches us. */
  readonly ackLink: string | undefined;
  /** A page that comes later than this is of no use to anybody: the next level has been asked. Milliseconds. */
  readonly validForMs: number;
}

/** What became of a page that was handed over. */
export interface Handed {
  readonly providerId: string | null;
  /** `delivered` where the channel says so at once; `sent` where it says so later, or never. */
  readonly state: 'sent' | 'delivered';
}

/** One way to reach a person. */
export interface Channel {
  /**
   * Hands a page over, trying again within bounds what trying again can cure.
   * @param address as the on-call file has it, its variable resolved: a number, a mail address, `<form> <URL>`
   * @throws ChannelUnavailable where the provider does not take it now; AddressRejected where it never will;
   *   ConfigurationError where it does not let us in, so that nobody is reached this way until somebody mends it
   */
  send(page: Page, address: string, signal: AbortSignal): Promise<Handed>;
  /** Asks what became of a page that was sent; undefined where nothing new is known. */
  stateOf?(providerId: string, signal: AbortSignal): Promise<DeliveryState | undefined>;
  /** Tells a provider that keeps an incident of its own how its alert stands. @throws as `send` does */
  settle?(
    alert: Pick<Page, 'alertId' | 'firing'>,
    settlement: Settlement,
    address: string,
    signal: AbortSignal,
  ): Promise<void>;
}

/** The channels that are set up here. */
export type Channels = Readonly<Partial<Record<ChannelKind, Channel>>>;
