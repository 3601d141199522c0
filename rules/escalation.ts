import type { BusinessDate } from './business-date.ts';
import type { Severity } from './alert-rules.ts';

/** What became of one page to one address. The last three are final. */
export type DeliveryState = 'queued' | 'sent' | 'delivered' | 'undelivered' | 'failed';

/** Whether news of a delivery is taken: callbacks come late, twice and out of order, and what is final stays. */
export function isNewer(known: DeliveryState, news: DeliveryState): boolean {
  const rank = { queued: 0, sent: 1, delivered: 2, undelivered: 2, failed: 2 };
  return rank[news] > rank[known];
}

/** One level of one round; both count from 1. */
export interface Turn {
  readonly round: number;
  readonly level: number;
}

/** What an escalation goes by from its start on: references and bounds; who is paged is read when they are. */
export interface EscalationPlan {
  /** Which firing of the alert this is about: one that fires again is asked about anew. */
  readonly firing: number;
  /** How long each level has, milliseconds. */
  readonly timeoutsMs: readonly number[];
  readonly rounds: number;
  /** The turn to begin with: not the first where an earlier run was under way. */
  readonly from: Turn;
  /** Enough to page with while the archive does not answer. */
  readonly about: AlertInShort;
}

/** An alert as far as its escalation carries it along. */
export interface AlertInShort {
  readonly code: number;
  readonly rule: string;
  readonly severity: Severity;
  readonly dataset: string | null;
  readonly businessDate: BusinessDate | null;
  readonly sentence: string;
  readonly runbook: string;
}

/** The turns from one on, in order: every level of a round, then the next round. */
export function turnsFrom({ from, rounds, timeoutsMs }: EscalationPlan): readonly Turn[] {
  const all = Array.from({ length: rounds }, (_, r) =>
    timeoutsMs.map((_, l): Turn => ({ round: r + 1, level: l + 1 })),
  ).flat();
  return all.filter(
    ({ round, level }) => round > from.round || (round === from.round && level >= from.level),
  );
}

/**
 * Whom a level's pages have reached. `somebody`: one was delivered. `perhaps`: one is on its way, and may never say
 * more. `nobody`: all have failed, so that waiting for an answer would be waiting for nothing.
 */
export type Reach = 'somebody' | 'perhaps' | 'nobody';

export function reachOf(states: readonly DeliveryState[]): Reach {
  if (states.includes('delivered')) return 'somebody';
  return states.some((state) => state === 'queued' || state === 'sent') ? 'perhaps' : 'nobody';
}

/** A look at what became of pages that are on their way costs a call and a line of history: never sooner than this. */
const SOONEST_LOOK_MS = 10_000;

/** How long after `elapsedMs` of a level to look again: in four hours some thirty times, not fifteen hundred (R14). */
export function nextLookMs(elapsedMs: number): number {
  return Math.max(SOONEST_LOOK_MS, elapsedMs / 4);
}

/** Who has seen an alert, and how we know. */
export interface Acknowledgement {
  readonly by: string;
  readonly via: string;
  readonly note: string;
}

const LONGEST_NAME = 100;
const LONGEST_NOTE = 500;

/**
 * The acknowledgement in a signal's payload `{ by, via?, note? }`. Whatever was sent counts as one, by `unknown` where
 * it names nobody: who signals has seen the alert, and a typing error must not let the telephone ring on.
 */
export function acknowledgementOf(payload: unknown): Acknowledgement {
  const fields = (typeof payload === 'object' && payload !== null ? payload : {}) as Record<string, unknown>;
  const text = (name: string, longest: number) => {
    const value = fields[name];
    return typeof value === 'string'
      ? value.replaceAll('\0', '').trim().slice(0, longest).toWellFormed()
      : '';
  };
  return {
    by: text('by', LONGEST_NAME) || 'unknown',
    via: text('via', LONGEST_NAME) || 'signal',
    note: text('note', LONGEST_NOTE),
  };
}
