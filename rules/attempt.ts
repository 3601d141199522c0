import type { Counts } from './counts.ts';
import type { DatasetDay } from './dataset-day.ts';
import type { Plan } from './plan.ts';

/** Where an attempt's input comes from: fetched again, or what landed for the day before (R10). */
export type ReplayInput = 'source' | 'landing';

/** What made the attempt: the schedule, or an operator. */
export type AttemptKind = 'nightly' | 'run' | 'replay' | 'backfill';

export type Outcome = 'loaded' | 'refused' | 'failed' | 'cancelled';
export type AttemptState = 'running' | Outcome;

/** Why an attempt did not load, as `show` prints it. */
export interface AttemptError {
  /** The class in rules/errors.ts. */
  readonly name: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
  /** What PostgreSQL or the socket said: a SQLSTATE, or Node's code. */
  readonly code?: string;
}

/** Whether the night's data was too bad; nothing was written (R2, R3). */
export function isRefusal({ name }: AttemptError): boolean {
  return ['Refused', 'EmptySource', 'AuditFailed'].includes(name);
}

/** One try at a dataset day, as its steps know it. Plain data: it travels in Temporal's payloads. */
export interface Attempt extends DatasetDay {
  /** The epoch of its take-over; every load attempt takes a later one (§3). */
  readonly epoch: number;
  readonly ownerRunId: string;
  readonly plan: Plan;
}

/** The proof that a day is in the warehouse, read back from the ledger (R7). */
export interface Receipt extends DatasetDay {
  readonly loadId: string;
  readonly epoch: number;
  readonly counts: Counts;
  readonly tableName: string;
  /** Hexadecimal; the same for a rerun on the same landing (R9). */
  readonly contentSha256: string;
  /** ISO 8601, UTC. */
  readonly committedAt: string;
}
