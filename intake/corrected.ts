import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { bigint } from '../rules/columns.ts';
import { sourceNameOf, type Dataset } from '../rules/dataset.ts';
import type { RejectedPlace } from '../rules/release.ts';
import type { CsvSource, RestSource } from '../rules/source.ts';
import { readCsv } from './csv.ts';
import { parseJson } from './json-numbers.ts';
import type { StoredFile } from './landing.ts';
import { RecordReader } from './pages.ts';
import type { BrokenRecord, RawCell, RawRecord, ReadRecord, RecordBatches } from './records.ts';

/**
 * A corrected file says of each record which rejected one it stands in for. Of a CSV source it is CSV in UTF-8 with the
 * source's delimiter and two more columns; of an API one JSON document a line: `{"part", "record", "corrected"}`.
 */
export interface Correction {
  /** Undefined where it does not say. */
  readonly of: RejectedPlace | undefined;
  /** It says nothing but which one it stands in for. */
  readonly isBlank: boolean;
  readonly record: ReadRecord;
}

/** @throws SourceContractBroken by its header; SourceBroken */
export async function* readCorrections(
  dataset: Dataset,
  file: StoredFile,
  content: AsyncIterable<Buffer>,
  warn: (warning: string) => void = () => undefined,
): AsyncGenerator<readonly Correction[]> {
  const { source } = dataset;
  if (source.kind === 'csv') yield* readRows(dataset, source, file, content, warn);
  else yield* readDocuments(dataset, source, file, content, warn);
}

/** A corrected part's records, to be judged like any other. */
export async function* readCorrected(
  dataset: Dataset,
  file: StoredFile,
  content: AsyncIterable<Buffer>,
  warn: (warning: string) => void,
): RecordBatches & AsyncGenerator<readonly ReadRecord[]> {
  for await (const batch of readCorrections(dataset, file, content, warn)) {
    yield batch.map(({ record }) => record);
  }
}

/** Names that no column of a dataset can have. */
const LEAD = ['of part', 'of record'] as const;

/** The two columns that a corrected CSV file has before the source's, named otherwise where the source has such. */
export function leadNames(dataset: Dataset): readonly [part: string, record: string] {
  const names = Object.keys(dataset.columns).map((column) => sourceNameOf(dataset, column));
  return names.some((name) => name === 'part' || name === 'record')
    ? ['rejected_part', 'rejected_record']
    : ['part', 'record'];
}

async function* readRows(
  dataset: Dataset,
  source: CsvSource,
  file: StoredFile,
  content: AsyncIterable<Buffer>,
  warn: (warning: string) => void,
): AsyncGenerator<readonly Correction[]> {
  const [part, record] = leadNames(dataset);
  const lead = { [LEAD[0]]: bigint().from(part), [LEAD[1]]: bigint().from(record) };
  const wide: Dataset = { ...dataset, columns: { ...lead, ...dataset.columns } };
  const dialect: CsvSource = { ...source, encoding: 'utf-8', drift: 'freeze', endsLastLine: false };
  for await (const batch of readCsv(wide, dialect, file, content, warn)) {
    yield batch.map((row) => {
      if (row.cells === null) return { of: undefined, isBlank: false, record: row };
      const [ofPart, ofRecord, ...cells] = row.cells;
      const isBlank = cells.every((cell) => cell === null);
      return { of: placeOf(ofPart, ofRecord), isBlank, record: withCells(row, cells) };
    });
  }
}

/** The same record without the two cells before its own. */
function withCells(row: RawRecord, cells: readonly RawCell[]): RawRecord {
  return {
    record: row.record,
    line: row.line,
    cells,
    get raw() {
      return row.raw;
    },
  };
}

function placeOf(part: unknown, record: unknown): RejectedPlace | undefined {
  const isOrdinal = (value: unknown) => /^[1-9]\d{0,9}$/.test(String(value));
  return isOrdinal(part) && isOrdinal(record) ? { part: Number(part), record: Number(record) } : undefined;
}

/** Documents handed on at a time. */
const AT_ONCE = 500;

async function* readDocuments(
  dataset: Dataset,
  source: RestSource,
  file: StoredFile,
  content: AsyncIterable<Buffer>,
  warn: (warning: string) => void,
): AsyncGenerator<readonly Correction[]> {
  const reader = new RecordReader(dataset, source, warn);
  const input = Readable.from(content, { objectMode: false });
  let batch: Correction[] = [];
  let line = 0;
  let record = 0;
  for await (const text of createInterface({ input, crlfDelay: Infinity })) {
    line += 1;
    if (text.trim() === '') continue;
    record += 1;
    batch.push(correctionOf(text, { record, line }, (value) => reader.read(value, file.key)));
    if (batch.length < AT_ONCE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function correctionOf(
  text: string,
  place: Pick<BrokenRecord, 'record' | 'line'>,
  read: (value: unknown) => ReadRecord,
): Correction {
  const { part, record, corrected } = fieldsOf(text);
  const row = read(corrected ?? null);
  const isBlank = row.cells !== null && row.cells.every((cell) => cell === null);
  const own = { ...place, raw: text };
  const judged =
    row.cells === null
      ? { ...own, cells: null, rule: row.rule, reason: row.reason }
      : { ...own, cells: row.cells };
  return { of: placeOf(part, record), isBlank, record: judged };
}

/** The fields of a document; none where it is no document. */
export function fieldsOf(text: string): Record<string, unknown> {
  try {
    const value = parseJson(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch (cause) {
    if (cause instanceof SyntaxError) return {};
    throw cause;
  }
}
