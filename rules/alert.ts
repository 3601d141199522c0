import type { BusinessDate } from './business-date.ts';

export type Severity = 'warn' | 'error' | 'critical';

/** What a person must know: archived before anything is sent (§1). */
export interface Finding {
  /** Also the name of its runbook. */
  readonly rule: string;
  readonly severity: Severity;
  readonly dataset: string | null;
  readonly businessDate: BusinessDate | null;
  /** Tells apart what one rule finds twice on a day: a schedule's id, a session. */
  readonly subject?: string;
  /** What happened, in one sentence. */
  readonly sentence: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}
