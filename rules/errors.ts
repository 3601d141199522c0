/**
 * Every error that Night Train raises on purpose. Each class says whether trying again can help (§4, Errors);
 * `activities/failure.ts` alone turns them into Temporal's ApplicationFailure.
 */
export interface ErrorOptions {
  /** To what it happened: the file, record, column, session. */
  readonly detail?: string;
  /** What to do about it: the command to type next. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** How long the other side asked us to wait, milliseconds. */
  readonly retryAfterMs?: number;
}

export abstract class NightTrainError extends Error {
  static readonly retryable: boolean = false;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.detail = options.detail;
    this.hint = options.hint;
    this.retryAfterMs = options.retryAfterMs;
  }

  get retryable(): boolean {
    return (this.constructor as typeof NightTrainError).retryable;
  }
}

/** The command was typed wrong: unknown dataset, impossible date. Exit code 2. */
export class UsageError extends NightTrainError {}

/** The installation is set up wrong: a variable, a declaration, a missing migration. Exit code 2. */
export class ConfigurationError extends NightTrainError {}

/** The night's data is too bad to load; nothing was written (R2). */
export class Refused extends NightTrainError {}

/** The source had nothing for this day (R3). */
export class EmptySource extends Refused {}

/** An audit of severity `error` found rows in the night before it was published (§5). */
export class AuditFailed extends Refused {}

/** This attempt no longer has the right to write: a newer one took the day over (R6). Final. */
export class Fenced extends NightTrainError {}

/** A release can no longer be carried out: it was before, or its day was judged anew since. */
export class ReleaseOver extends NightTrainError {}

/** Another attempt holds the day (R11). */
export class DayIsTaken extends NightTrainError {}

/** The source no longer has the shape that the dataset declares: a missing or renamed column, another envelope. */
export class SourceContractBroken extends NightTrainError {}

/** What the source sent can not be read to its end: a file cut short, a gzip bomb, a looping cursor, JSON that is none. */
export class SourceBroken extends NightTrainError {}

/** The source does not let us in. It may be our credentials, or the source: somebody has to ask there. */
export class SourceForbidden extends ConfigurationError {}

/** The source does not answer, or asks us to come later. */
export class SourceUnavailable extends NightTrainError {
  static override readonly retryable = true;
}

/** What the source should have sent is not there yet: no file in the inbox, a part missing, a file still growing. */
export class SourceNotReady extends NightTrainError {
  static override readonly retryable = true;
}

/** A bound was passed: page count, row length, file size, decompression ratio (R14). */
export class LimitExceeded extends NightTrainError {}

/** The warehouse answered with an error that trying again can cure: deadlock, lock time-out, lost connection. */
export class WarehouseUnavailable extends NightTrainError {
  static override readonly retryable = true;
}

/** The warehouse answered with an error that trying again repeats: a constraint, a missing table. */
export class WarehouseRejected extends NightTrainError {}

/** Temporal does not answer a step that asks it something, or refuses to. */
export class TemporalUnavailable extends NightTrainError {
  static override readonly retryable = true;
}

/** COMMIT was sent, and the ledger does not have the batch: it rolled back without a word (R7). */
export class CommitNotFound extends NightTrainError {
  static override readonly retryable = true;
}

/** COMMIT was sent, and the session that sent it lives on: nobody knows yet whether the night is there (R8). */
export class CommitInDoubt extends WarehouseUnavailable {}

/** The landing store has no room left; it passes once an operator, or retention, has made some. */
export class LandingFull extends NightTrainError {
  static override readonly retryable = true;
}

/** What had landed could not be sorted, for a reason that is not in it: a disk that does not answer, a thread that died. */
export class SortingFailed extends NightTrainError {
  static override readonly retryable = true;
}

/** The landing store lost or changed what it was given. */
export class LandingCorrupt extends NightTrainError {}

/** An engine of this machine, PostgreSQL or Temporal, did not start or did not stop. */
export class EngineFailed extends NightTrainError {}

/** A night of the demo did not end as it should have. */
export class DemoFailed extends NightTrainError {}

/** Nobody took up in time what was asked for: no worker polls, `control` is silent, a cancelled run does not end. */
export class Unanswered extends NightTrainError {}

/** `control` did not start what was asked for. */
export class RequestRefused extends NightTrainError {}

/** What a command is about does not exist: no run to cancel, no attempt to show. */
export class NothingThere extends NightTrainError {}

/** A provider of pages does not answer, or asks us to come later. */
export class ChannelUnavailable extends NightTrainError {
  static override readonly retryable = true;
}

/** A provider of pages says that an address will never be reached: an invalid number, a mailbox that is none. */
export class AddressRejected extends NightTrainError {}

/** Someone asked for the attempt to stop (R13). */
export class Cancelled extends NightTrainError {}

/** Lines as an operator reads them: what happened, to what, what to do. Never a stack trace. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { detail, hint } = error as Partial<NightTrainError>;
  return [error.message, detail, hint].filter(Boolean).join('\n');
}
