import type { Readable } from 'node:stream';

/** A file of the landing store, as it was written. */
export interface StoredFile {
  /** Its name in the store: `<dataset>/<business date>/<epoch>/landed/part-00001.csv`. */
  readonly key: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** Compressed with gzip, as its name says. */
export function isPacked({ key }: Pick<StoredFile, 'key'>): boolean {
  return key.endsWith('.gz');
}

/**
 * Where raw input, staged parts and rejects live. Files are immutable once written: they appear whole or not at all.
 * Today a folder (`landing-folder.ts`); object storage later.
 */
export interface LandingStore {
  /** Writes a file whole, or leaves none behind; a file of that name is replaced (R9: a step may run twice). */
  write(key: string, content: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<StoredFile>;
  /** @throws LandingCorrupt from the stream where there is no such file */
  read(key: string): Readable;
  /** The same in memory that is used again: a chunk holds until the next one is asked for. */
  lend(key: string): AsyncIterable<Buffer>;
  /** The file's whole text, or undefined where there is none; for manifests, at most 64 MiB. */
  readText(key: string): Promise<string | undefined>;
  /** Keys below a prefix, sorted. */
  list(prefix: string): Promise<string[]>;
  /** Removes all below a prefix (R19). */
  remove(prefix: string): Promise<void>;
}
