import type { AlertRule } from './alert-rules.ts';
import type { BusinessDate } from './business-date.ts';

/** What an alert is kept under: there is one a key, however often it is found. */
export interface AlertKey {
  readonly rule: AlertRule;
  readonly dataset: string | null;
  readonly businessDate: BusinessDate | null;
  /** Tells apart what one rule finds twice on a day: a session, an audit. */
  readonly subject?: string;
}

/** What a person must know: archived before anything is sent (§1). */
export interface Finding extends AlertKey {
  /** What happened, in one sentence. */
  readonly sentence: string;
  /** `number` is the figure that matters, as a person reads it: `31.0 % of 12345 rows rejected`. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** More of the facts, characters of JSON, is neither kept nor sent (R14). */
export const LONGEST_FACTS = 16_384;
