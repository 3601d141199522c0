import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { UsageError } from '../../rules/errors.ts';
import type { CsvSource } from '../../rules/source.ts';
import { csvBytes } from '../csv-bytes.ts';
import { spansOf } from '../csv-records.ts';
import type { StoredFile } from '../landing.ts';
import { splitRecords } from '../split-records.ts';

/** How a sample is written. */
export interface Dialect {
  readonly delimiter: CsvSource['delimiter'];
  readonly encoding: CsvSource['encoding'];
  /** Cells of the first record. */
  readonly header: readonly string[];
}

/** A sample is looked at as the intake will read it: these are the intake's own bounds. */
export const SAMPLE_BOUNDS = { recordBytes: 1024 * 1024, inflation: 200 };

const DELIMITERS: readonly CsvSource['delimiter'][] = [',', ';', '\t', '|'];
/** Records by which the delimiter is chosen; all of them are read later, and must agree. */
const HEAD = 1_000;

/** @throws UsageError where there is no such file, or it is empty */
export async function sampleFile(path: string): Promise<StoredFile> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new UsageError('The sample cannot be read', { detail: (cause as Error).message, cause });
  });
  if (!found.isFile()) throw new UsageError(`${path} is not a file`);
  if (found.size === 0) throw emptySample(path);
  return { key: path, bytes: found.size, sha256: '' };
}

export function emptySample(path: string): UsageError {
  return new UsageError('The sample is empty: it has no record from which to learn', {
    detail: path,
    hint: 'Give a file with a header and a day of real records: nighttrain dataset new <name> --from sample.csv',
  });
}

/** Finds out how the file is written. The encoding is proven over the whole file, the delimiter over its head. */
export async function sniffDialect(file: StoredFile): Promise<Dialect> {
  const encoding = (await isUtf8(file)) ? 'utf-8' : 'latin1';
  const trials = await Promise.all(DELIMITERS.map((delimiter) => tryDelimiter(file, encoding, delimiter)));
  const [best] = trials.toSorted(
    (a, b) =>
      Number(b.header.length > 1) - Number(a.header.length > 1) ||
      a.broken - b.broken ||
      b.header.length - a.header.length,
  );
  if (!best || best.header.length === 0) throw emptySample(file.key);
  const { delimiter, header } = best;
  return { delimiter, encoding, header };
}

async function isUtf8(file: StoredFile): Promise<boolean> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of bytesOf(file, 'utf-8')) decoder.decode(chunk, { stream: true });
    decoder.decode();
    return true;
  } catch (cause) {
    if (cause instanceof TypeError) return false;
    throw cause;
  }
}

interface Trial extends Omit<Dialect, 'encoding'> {
  /** Records of the head that are not as wide as the header, or cannot be taken apart. */
  readonly broken: number;
}

async function tryDelimiter(
  file: StoredFile,
  encoding: CsvSource['encoding'],
  delimiter: CsvSource['delimiter'],
): Promise<Trial> {
  let header: string[] | undefined;
  let [seen, broken] = [0, 0];
  const bounds = { delimiter, recordBytes: SAMPLE_BOUNDS.recordBytes };
  for await (const block of splitRecords(bytesOf(file, encoding), bounds)) {
    const { bytes } = block;
    for (const { start, end, fault } of spansOf(block)) {
      if (start === end) continue;
      const fields = fault ? undefined : fieldsOf(bytes.subarray(start, end), delimiter);
      header ??= fields ?? [];
      if (fields?.length !== header.length) broken += 1;
      seen += 1;
      if (seen > HEAD) return { delimiter, header, broken };
    }
  }
  return { delimiter, header: header ?? [], broken };
}

function fieldsOf(record: Buffer, delimiter: string): string[] {
  return parse(record, { delimiter, relax_column_count: true })[0] ?? [];
}

/** The file's text as UTF-8, as the intake will have it. */
export function bytesOf(file: StoredFile, encoding: CsvSource['encoding']): AsyncGenerator<Buffer> {
  return csvBytes(file, openFile(file), encoding, SAMPLE_BOUNDS.inflation);
}

export function openFile({ key }: StoredFile): AsyncIterable<Buffer> {
  return createReadStream(key) as AsyncIterable<Buffer>;
}
