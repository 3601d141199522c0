import type { Finding } from './alert.ts';
import type { AttemptError, Outcome } from './attempt.ts';
import type { BusinessDate } from './business-date.ts';
import type { Counts } from './counts.ts';
import { endAlertOf } from './end-alert.ts';

/** How a night ended, and what is known of it. */
export interface NightEnd {
  readonly dataset: string;
  /** Null where the night never came as far as to know it. */
  readonly businessDate: BusinessDate | null;
  readonly outcome: Outcome;
  readonly error?: AttemptError | undefined;
  readonly workflowId: string;
  readonly runId: string;
  /** Of its attempt, where there was one. */
  readonly epoch?: number;
  readonly counts?: { readonly [Name in keyof Counts]: number | null };
  readonly rejectedByRule?: Readonly<Record<string, number>>;
  readonly rejectLimitPercent?: number;
}

/** Rules that an alert names, those that struck most often. */
const MOST_RULES = 10;

/** What a person must know of a night's end; undefined where it loaded. */
export function findingOf(end: NightEnd): Finding | undefined {
  const { dataset, businessDate, outcome, error, workflowId, runId, epoch, counts } = end;
  const rule = endAlertOf(outcome, error);
  if (!rule) return undefined;
  const number = numberOf(end);
  const { name, code, detail, hint } = error ?? {};
  return {
    rule,
    dataset,
    businessDate,
    sentence: sentenceOf(end),
    facts: {
      ...(number !== undefined && { number }),
      outcome,
      error: name,
      code,
      detail,
      hint,
      rows: counts,
      rejectedByRule: mostFrequent(end.rejectedByRule ?? {}),
      epoch,
      workflowId,
      runId,
    },
  };
}

/** The figure that matters, as a person reads it. */
function numberOf({ error, counts, rejectLimitPercent }: NightEnd): string | undefined {
  const { read, rejected, discarded } = counts ?? {};
  if (read == null) return undefined;
  if (error?.name === 'EmptySource') return `${read} rows read, none of them for this day`;
  if (error?.name !== 'Refused' || rejected == null) return undefined;
  const judged = read - (discarded ?? 0);
  const limit = rejectLimitPercent === undefined ? '' : `, limit ${rejectLimitPercent} %`;
  return `${((rejected * 100) / judged).toFixed(1)} % of ${judged} rows rejected${limit}`;
}

function sentenceOf({ dataset, businessDate, outcome, error }: NightEnd): string {
  const night = businessDate === null ? `The night of ${dataset}` : `${dataset} of ${businessDate}`;
  if (outcome === 'cancelled') return `${night} was cancelled; nothing was written`;
  const [message = ''] = (error?.message ?? 'it failed, and nobody knows why').split('\n');
  return message.includes(dataset) ? message : `${night} ${outcome}: ${message}`;
}

function mostFrequent(rules: Readonly<Record<string, number>>): Record<string, number> {
  const sorted = Object.entries(rules).sort(([, a], [, b]) => b - a);
  return Object.fromEntries(sorted.slice(0, MOST_RULES));
}
