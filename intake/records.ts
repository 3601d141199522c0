import type { Rejection } from '../rules/columns.ts';

/** A cell as both readers hand it on: its text, null where it is missing, or why it cannot be read as a text. */
export type RawCell = string | null | Rejection;

/** A record of the source that could be taken apart, whatever its cells hold. */
export interface RawRecord {
  /** Ordinal in its part, from 1; a header is none. */
  readonly record: number;
  /** Line of the landed file on which it begins, from 1; null where the source has no lines. */
  readonly line: number | null;
  /** In the order of the dataset's columns. */
  readonly cells: readonly RawCell[];
  /** As it came; made when it is asked for. */
  readonly raw: string;
}

/** A record that could not be taken apart. */
export interface BrokenRecord {
  readonly record: number;
  readonly line: number | null;
  readonly cells: null;
  readonly rule: string;
  readonly reason: string;
  readonly raw: string;
}

export type ReadRecord = RawRecord | BrokenRecord;

/** Records in their order, some hundreds at a time: an await for each would cost more than reading it. */
export type RecordBatches = AsyncIterable<readonly ReadRecord[]>;
