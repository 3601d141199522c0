import { asBuffer } from './as-buffer.ts';
import type { CsvBlock } from './csv.ts';
import type { Header } from './csv-header.ts';
import type { CsvPart } from './csv-sorter.ts';
import type { Copies, Sorted, SortedKeys } from './judge.ts';
import { transferable } from './transferable.ts';

/** What a sorting thread is told. Every job is one file. */
export type ToThread =
  | { readonly does: 'open'; readonly job: number; readonly part: CsvPart; readonly header: Header }
  | {
      readonly does: 'sort';
      readonly job: number;
      readonly ticket: number;
      readonly block: Sendable;
      /** Where its rows go, if they have room there, and its rejects behind them. */
      readonly room: Uint8Array;
    }
  | { readonly does: 'close'; readonly job: number };

/** A block that could not be sorted is sorted again at home, where its error has its class. */
export type FromThread =
  | { readonly ticket: number; readonly sorted: SortedAway }
  | { readonly ticket: number; readonly sorted: undefined };

/** What is bytes lies in the room, or comes by itself. */
export type SortedAway = WithBytes<Lying>;

type Lying = readonly [from: number, to: number] | Uint8Array<ArrayBuffer>;

type WithBytes<Bytes> = Omit<Sorted, 'rows' | 'rejects' | 'keys'> & {
  readonly rows: Bytes;
  readonly rejects: Bytes;
  readonly keys?: Omit<SortedKeys, 'copies'> & {
    readonly copies?: Omit<Copies, 'rejects'> & { readonly rejects: Bytes };
  };
};

function mapBytes<From, To>(sorted: WithBytes<From>, map: (bytes: From) => To): WithBytes<To> {
  const { rows, rejects, keys, ...figures } = sorted;
  const mapped = { ...figures, rows: map(rows), rejects: map(rejects) };
  if (!keys) return mapped;
  const { copies, ...known } = keys;
  return {
    ...mapped,
    keys: copies ? { ...known, copies: { ...copies, rejects: map(copies.rejects) } } : known,
  };
}

/**
 * Lays all that is bytes into the room as far as it fits, its rows first: where these come by themselves, so does all
 * else, and the room is free.
 */
export function layDown(sorted: Sorted, room: Uint8Array): SortedAway {
  let at = sorted.rows.length <= room.length ? 0 : room.length; // as if it were full
  return mapBytes(sorted, (bytes) => {
    if (at + bytes.length > room.length) return transferable(bytes);
    if (bytes.buffer !== room.buffer) room.set(bytes, at); // rows were written there
    at += bytes.length;
    return [at - bytes.length, at];
  });
}

/** As it was laid down. */
export function pickUp(away: SortedAway, room: Buffer): Sorted {
  return mapBytes(away, (lying) => (lying instanceof Uint8Array ? lying : room.subarray(...lying)));
}

/** Memory that goes from thread to thread with what comes by itself. */
export function buffersOf(away: SortedAway): ArrayBuffer[] {
  const { rows, rejects, keys } = away;
  const all = [rows, rejects, keys?.copies?.rejects].filter((lying) => lying instanceof Uint8Array);
  return [...new Set(all.map(({ buffer }) => buffer))];
}

/** A Buffer crosses as the Uint8Array that it is; memory that threads share is not copied. */
export type Sendable = Omit<CsvBlock, 'header' | 'bytes'> & { readonly bytes: Uint8Array };

export function asBlock({ bytes, ...rest }: Sendable, header: Header): CsvBlock {
  return { ...rest, header, bytes: asBuffer(bytes) };
}
