import type { DatasetDay } from '../rules/dataset-day.ts';
import { isPacked, type StoredFile } from './landing.ts';

/** One part of the landed input: what one transform activity works on. */
export interface LandedPart {
  /** From 1, without gaps. */
  readonly part: number;
  /** One CSV file, or some pages of an API in their order. */
  readonly files: readonly StoredFile[];
  /** How many records it holds, where the source said so (API pages); a CSV file is counted when it is transformed. */
  readonly records: number | null;
  /** Set where it is a corrected file: each of its records stands in for a rejected one of another part. */
  readonly isCorrected?: true;
  /** Records that a corrected part stands in for, ascending: they are discarded here, and counted as such (R4). */
  readonly superseded?: readonly number[];
  /** Records that were rejected before and whose way is followed, one JSON `Reconsidered` a line, in their order. */
  readonly reconsidered?: StoredFile;
}

/** What landed, in the landing store as `<dataset>/<business date>/<epoch>/manifest.json`; written last. */
export interface Manifest extends DatasetDay {
  readonly epoch: number;
  readonly source: 'csv' | 'rest';
  readonly parts: readonly LandedPart[];
  /** The release that it was made for, from what had landed before. */
  readonly release?: string;
}

/** The reference that travels through Temporal instead of the manifest. */
export interface Landed {
  /** The manifest's key in the landing store. */
  readonly manifest: string;
  /** How many parts it lists. */
  readonly parts: number;
  readonly bytes: number;
  readonly records: number | null;
  /** Some file of it is compressed, and larger than its bytes. */
  readonly isPacked?: true;
  /** The release whose rows are to be followed. */
  readonly release?: string;
}

/** What a part came to, and what did not make it. Plain data. */
export interface SortedPart {
  readonly part: number;
  /** Rejected records, one JSON `RejectedRecord` a line. */
  readonly rejects: StoredFile;
  readonly read: number;
  /** Rows that were validated and encoded for COPY. */
  readonly staged: number;
  readonly rejected: number;
  readonly discarded: number;
  /** Identical copies of staged rows, found by their neighbours; undefined of parts that were staged before they were sought. */
  readonly deduplicated?: number;
  readonly rejectedByRule: Readonly<Record<string, number>>;
  /** Things worth a line in the log and in `show`: undeclared columns that were ignored. */
  readonly warnings: readonly string[];
}

/** A validated part, encoded for COPY. It travels through Temporal. */
export interface StagedPart extends SortedPart {
  /** Rows in COPY's binary format, in the order of the records; the dataset's columns in their order. */
  readonly rows: StoredFile;
  /** What became of records that were rejected before, one JSON `FollowedRecord` a line. */
  readonly followed?: StoredFile;
}

/** A row that cannot be trusted, as quarantine keeps it (R5). */
export interface RejectedRecord {
  readonly part: number;
  /** The record's ordinal in its part, from 1; the header is none. */
  readonly record: number;
  /** The line of the landed file on which it begins, from 1; null where the source has no lines. */
  readonly line: number | null;
  /** The column at fault, where there is one. */
  readonly column: string | null;
  readonly rule: string;
  readonly reason: string;
  /** The record as it came, cut at the dataset's `recordBytes`. */
  readonly raw: string;
}

/** `<dataset>/<business date>/<epoch>`: all that one attempt has in the landing store lies below. */
export function landingPrefix({ dataset, businessDate }: DatasetDay, epoch: number): string {
  return `${dataset}/${businessDate}/${epoch}`;
}

/**
 * Where an attempt has the rows that SQL rejected, one JSON `RejectedRecord` a line, in the order of the landed input.
 * @param loadEpoch each try of the load has an epoch of its own
 */
export function loadRejectsKey(attempt: DatasetDay & { readonly epoch: number }, loadEpoch: number): string {
  return `${landingPrefix(attempt, attempt.epoch)}/load-${loadEpoch}.rejects.jsonl`;
}

/** Where an attempt has what a part was sorted into, without the ending. */
export function stagedKey(day: DatasetDay, epoch: number, part: number): string {
  return `${landingPrefix(day, epoch)}/staged/part-${String(part).padStart(5, '0')}`;
}

/** Where an attempt's manifest is. */
export function manifestKey(day: DatasetDay, epoch: number): string {
  return `${landingPrefix(day, epoch)}/manifest.json`;
}

/** The reference to what a manifest lists. */
export function landedOf(manifest: Manifest): Landed {
  const { parts, epoch, release } = manifest;
  const counted = parts.every(({ records }) => records !== null);
  const hasPacked = parts.some(({ files }) => files.some(isPacked));
  return {
    manifest: manifestKey(manifest, epoch),
    parts: parts.length,
    bytes: total(parts, bytesOf),
    records: counted ? total(parts, ({ records }) => records ?? 0) : null,
    ...(hasPacked && { isPacked: true }),
    ...(release !== undefined && { release }),
  };
}

/** How large it is. */
export function bytesOf({ files }: LandedPart): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

function total(parts: readonly LandedPart[], figure: (part: LandedPart) => number): number {
  return parts.reduce((sum, part) => sum + figure(part), 0);
}
