import type { CsvBlock } from './csv.ts';
import type { Header } from './csv-header.ts';
import type { CsvPart } from './csv-sorter.ts';
import type { Sorted } from './judge.ts';

/** What a sorting thread is told. Every job is one file. */
export type ToThread =
  | { readonly does: 'open'; readonly job: number; readonly part: CsvPart; readonly header: Header }
  | { readonly does: 'sort'; readonly job: number; readonly ticket: number; readonly block: Sendable }
  | { readonly does: 'close'; readonly job: number };

/** A block that could not be sorted is sorted again at home, where its error has its class. */
export type FromThread =
  | { readonly ticket: number; readonly sorted: Sorted }
  | { readonly ticket: number; readonly sorted: undefined };

/** A Buffer crosses as the Uint8Array that it is. */
export type Sendable = Omit<CsvBlock, 'header' | 'bytes'> & { readonly bytes: Uint8Array };

export function asBlock({ bytes, ...rest }: Sendable, header: Header): CsvBlock {
  return { ...rest, header, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}
