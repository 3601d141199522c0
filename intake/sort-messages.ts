import { asBuffer } from './as-buffer.ts';
import type { CsvBlock } from './csv.ts';
import type { Header } from './csv-header.ts';
import type { CsvPart } from './csv-sorter.ts';
import type { Sorted } from './judge.ts';

/** What a sorting thread is told. Every job is one file. */
export type ToThread =
  | { readonly does: 'open'; readonly job: number; readonly part: CsvPart; readonly header: Header }
  | {
      readonly does: 'sort';
      readonly job: number;
      readonly ticket: number;
      readonly block: Sendable;
      /** Where its rows go, if they have room there. */
      readonly room: Uint8Array;
    }
  | { readonly does: 'close'; readonly job: number };

/** A block that could not be sorted is sorted again at home, where its error has its class. */
export type FromThread =
  | { readonly ticket: number; readonly sorted: SortedAway }
  | { readonly ticket: number; readonly sorted: undefined };

/** Rows are so many bytes where they had room, or come by themselves. */
export type SortedAway = Omit<Sorted, 'rows'> & { readonly rows: number | Uint8Array };

/** A Buffer crosses as the Uint8Array that it is; memory that threads share is not copied. */
export type Sendable = Omit<CsvBlock, 'header' | 'bytes'> & { readonly bytes: Uint8Array };

export function asBlock({ bytes, ...rest }: Sendable, header: Header): CsvBlock {
  return { ...rest, header, bytes: asBuffer(bytes) };
}
