import type { Dataset } from '../rules/dataset.ts';
import { SourceContractBroken } from '../rules/errors.ts';
import type { CsvSource } from '../rules/source.ts';
import { csvBytes } from './csv-bytes.ts';
import { FieldReader, REASONS, takeApart, type Place } from './csv-fields.ts';
import { list, readHeader, type Header } from './csv-header.ts';
import { isLines, spansOf, type Block, type Lines, type Span } from './csv-records.ts';
import type { StoredFile } from './landing.ts';
import type { ReadRecord, RecordBatches } from './records.ts';
import { OWN_MEMORY, splitRecords } from './split-records.ts';

/** Bytes of a CSV file, cut where records end, below the header that they go by. */
export interface CsvBlock extends Block {
  readonly header: Header;
  /** Of its first record, from 1 in its part. */
  readonly record: number;
}

/**
 * Reads a CSV file: RFC 4180 with the dataset's delimiter and encoding, LF or CRLF or both, BOM, gzip where its name
 * ends in `.gz`. A blank line is no record where a record has more than one field; with one field it is a missing
 * value. A line that is just `\.` is data. What cannot be taken apart is a broken record (see split-records.ts); but
 * where that is the last one and nothing ends its line, the file was cut short, and nobody knows how much of it is lost.
 * @param content the file as it landed
 * @param warn told once of each thing worth a line in the log
 * @throws SourceContractBroken by its header; SourceBroken where it was cut short; LimitExceeded by its compression
 */
export async function* readCsv(
  dataset: Dataset,
  source: CsvSource,
  file: StoredFile,
  content: AsyncIterable<Buffer>,
  warn: (warning: string) => void,
): RecordBatches & AsyncGenerator<readonly ReadRecord[]> {
  let reader: FieldReader | undefined;
  for await (const block of readBlocks(dataset, source, file, content, warn)) {
    reader ??= new FieldReader(dataset, source, block.header, file.key);
    yield reader.read(block.bytes, [...placesOf(block)]);
  }
}

/** The same file in blocks of records that nobody has taken apart yet; the first may hold none. @param memory where blocks lie, each until it is given back */
export async function* readBlocks(
  dataset: Dataset,
  source: CsvSource,
  file: StoredFile,
  content: AsyncIterable<Buffer>,
  warn: (warning: string) => void,
  memory = OWN_MEMORY,
): AsyncGenerator<CsvBlock> {
  const bytes = csvBytes(file, content, source.encoding, dataset.bounds.inflation);
  const bounds = { delimiter: source.delimiter, recordBytes: dataset.bounds.recordBytes };
  let header: Header | undefined;
  let record = 1;
  for await (const block of splitRecords(bytes, bounds, memory)) {
    let { runs } = block;
    if (!header) {
      const [first, ...rest] = runs;
      if (!first) {
        memory.giveBack(block.bytes);
        continue;
      }
      header = headerOf(dataset, source, file, block.bytes, first);
      warnIgnored(header, warn);
      runs = rest;
    }
    if (runs.length === 0) {
      memory.giveBack(block.bytes);
      continue;
    }
    yield { bytes: block.bytes, runs, header, record };
    for (const run of runs) record += recordsIn(run, header);
  }
  if (!header) {
    throw new SourceContractBroken(`The file of ${dataset.name} is empty: it has no header`, {
      detail: file.key,
      hint: dataset.allowEmpty
        ? "Ask the source's owner; a day without records is a file with nothing but its header."
        : "Ask the source's owner; a day of nothing but a header is refused as well, unless the dataset says `allowEmpty: true`.",
    });
  }
}

/** Where the records of a block are. */
export function* placesOf(block: CsvBlock): Generator<Place> {
  let { record } = block;
  for (const span of spansOf(block)) {
    if (recordsIn(span, block.header) > 0) yield { ...span, record: record++ };
  }
}

function recordsIn(run: Span | Lines, { width }: Header): number {
  if (isLines(run)) return width > 1 ? run.lines - run.blank : run.lines;
  return width > 1 && run.start === run.end ? 0 : 1;
}

/** Undeclared columns that are named; warnings travel with every part, so that they must not be endless (R14). */
const NAMED = 20;

function warnIgnored({ ignored }: Header, warn: (warning: string) => void): void {
  for (const name of ignored.slice(0, NAMED)) warn(`Column ${list([name])} is not declared and was left out`);
  if (ignored.length > NAMED)
    warn(`${ignored.length - NAMED} more columns are not declared and were left out`);
}

function headerOf(
  dataset: Dataset,
  source: CsvSource,
  file: StoredFile,
  bytes: Buffer,
  first: Span | Lines,
): Header {
  if (isLines(first)) throw new Error('The first record of a file was not looked at by itself');
  const { start, end, next, fault } = first;
  if (fault) {
    throw new SourceContractBroken(`The header of ${dataset.name} cannot be read: it ${REASONS[fault][1]}`, {
      detail: `${file.key}, line 1: ${bytes.toString('utf8', start, Math.min(end, start + 200))}`,
      hint: "Ask the source's owner.",
    });
  }
  const [names = []] =
    start === end ? [['']] : takeApart(bytes.subarray(start, next), source.delimiter, false);
  return readHeader(dataset, source, names, file.key);
}
