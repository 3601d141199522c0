/** What a rejected record has become when it was judged again; a staged one is loaded once its attempt is. */
export type Became = 'staged' | 'rejected' | 'discarded' | 'deduplicated';

/** The place of a rejected record: which part, and which record of it, both from 1. */
export interface RejectedPlace {
  readonly part: number;
  readonly record: number;
}

/** Which rejected record went where. */
export interface ReleasedRow extends RejectedPlace {
  /** What had rejected it. */
  readonly rule: string;
  /** Where it stands now: in the corrected part, or where it was. */
  readonly newPart: number;
  readonly newRecord: number;
  readonly became: Became;
  /** What rejects it now. */
  readonly becameRule: string | null;
}

/** How many of the rows that a rule had rejected became the same. */
export interface ReleasedCount extends Pick<ReleasedRow, 'rule' | 'became' | 'becameRule'> {
  readonly rows: number;
}

/** A corrected file is written by hand: whoever must correct more has another problem (R14). */
export const MOST_CORRECTED_ROWS = 100_000;
export const MOST_CORRECTED_BYTES = 256 * 1024 * 1024;
