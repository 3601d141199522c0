import { CsvError, parse } from 'csv-parse/sync';
import type { Dataset } from '../rules/dataset.ts';
import { SourceBroken, SourceContractBroken } from '../rules/errors.ts';
import type { CsvSource } from '../rules/source.ts';
import { csvBytes } from './csv-bytes.ts';
import { list, readHeader, type Header } from './csv-header.ts';
import { splitRecords, type Block, type Fault, type Span } from './csv-records.ts';
import type { StoredFile } from './landing.ts';
import type { BrokenRecord, RawCell, RawRecord, ReadRecord, RecordBatches } from './records.ts';

const LF = 10;

const REASONS: Readonly<Record<Fault, readonly [rule: string, reason: string]>> = {
  'broken-quote': ['broken-quote', 'has a quote that is not doubled, or is never closed'],
  'in-doubt': ['broken-quote', 'follows a broken quote and may stand inside its field'],
  'record-too-long': ['record-too-long', 'belongs to a record that is longer than the dataset allows'],
};

/**
 * Reads a CSV file: RFC 4180 with the dataset's delimiter and encoding, LF or CRLF or both, BOM, gzip where its name
 * ends in `.gz`. A blank line is no record where a record has more than one field; with one field it is a missing
 * value. A line that is just `\.` is data. What cannot be taken apart is a broken record (see csv-records.ts); but where
 * that is the last one and nothing ends its line, the file was cut short, and nobody knows how much of it is lost.
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
  const bytes = csvBytes(file, content, source.encoding, dataset.bounds.inflation);
  const bounds = { delimiter: source.delimiter, recordBytes: dataset.bounds.recordBytes };
  let reader: BlockReader | undefined;
  for await (const block of splitRecords(bytes, bounds)) {
    const [first] = block.spans;
    if (!first) continue;
    if (reader) {
      yield reader.read(block, 0);
      continue;
    }
    const header = headerOf(dataset, source, file, block, first);
    warnIgnored(header, warn);
    reader = new BlockReader(dataset, source, header, file.key);
    yield reader.read(block, 1);
  }
  if (!reader) {
    throw new SourceContractBroken(`The file of ${dataset.name} is empty: it has no header`, {
      detail: file.key,
      hint: "Ask the source's owner; a day without records is a file with nothing but its header.",
    });
  }
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
  { bytes }: Block,
  { start, end, next, fault }: Span,
): Header {
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

/** Fields of sound records; csv-parse reads both ends of line. */
function takeApart(bytes: Buffer, delimiter: string, skipBlank: boolean): string[][] {
  try {
    return parse(bytes, {
      delimiter,
      record_delimiter: ['\r\n', '\n'],
      relax_column_count: true,
      skip_empty_lines: skipBlank,
    });
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new SourceBroken('Two readers disagree about a record', { detail: cause.message, cause });
  }
}

class BlockReader {
  readonly #source: CsvSource;
  readonly #header: Header;
  readonly #file: string;
  readonly #recordBytes: number;
  readonly #missing: ReadonlySet<string>;
  #record = 0;

  constructor(dataset: Dataset, source: CsvSource, header: Header, file: string) {
    this.#source = source;
    this.#header = header;
    this.#file = file;
    this.#recordBytes = dataset.bounds.recordBytes;
    this.#missing = new Set(['', ...source.missing]);
  }

  /** The records of a block, from its span `from` on. */
  read({ bytes, spans }: Block, from: number): ReadRecord[] {
    const records: ReadRecord[] = [];
    let run: Span[] = [];
    for (let index = from; index < spans.length; index++) {
      const span = spans[index] as Span;
      if (span.start === span.end && this.#header.width > 1) continue;
      if (this.#source.endsLastLine && isOpen(bytes, span)) throw this.#cutShort(span, 'its line has no end');
      if (span.fault) {
        if (isOpen(bytes, span)) throw this.#cutShort(span, `it ${REASONS[span.fault][1]}`);
        this.#readRun(bytes, run, records);
        run = [];
        records.push(this.#broken(bytes, span, ...REASONS[span.fault]));
      } else {
        run.push(span);
      }
    }
    this.#readRun(bytes, run, records);
    return records;
  }

  #readRun(bytes: Buffer, run: readonly Span[], records: ReadRecord[]): void {
    const [first, last] = [run[0], run.at(-1)];
    if (!first || !last) return;
    const { width } = this.#header;
    const rows = takeApart(bytes.subarray(first.start, last.next), this.#source.delimiter, width > 1);
    if (rows.length !== run.length) {
      throw new SourceBroken('Two readers disagree about where records end', {
        detail: `${this.#file}, lines ${first.line} to ${last.line}: ${run.length} or ${rows.length} records`,
        hint: 'Report this with the lines named here.',
      });
    }
    for (const [index, fields] of rows.entries()) {
      const span = run[index] as Span;
      if (fields.length === width) {
        records.push(new CsvRecord(++this.#record, span, this.#cells(fields), bytes, this.#recordBytes));
      } else {
        const reason = `has ${fields.length} fields, the header has ${width}`;
        if (fields.length < width && isOpen(bytes, span)) throw this.#cutShort(span, `it ${reason}`);
        records.push(this.#broken(bytes, span, 'ragged-record', reason));
      }
    }
  }

  #cutShort({ line }: Span, reason: string): SourceBroken {
    return new SourceBroken('A file ends in the middle of a record: it was cut short', {
      detail: `${this.#file}, line ${line}: ${reason}`,
      hint: "Ask the source's owner to send it again.",
    });
  }

  #cells(fields: readonly string[]): RawCell[] {
    const cells: RawCell[] = [];
    for (const index of this.#header.fields) {
      const field = fields[index] as string;
      cells.push(this.#missing.has(field) ? null : field);
    }
    return cells;
  }

  #broken(bytes: Buffer, span: Span, rule: string, reason: string): BrokenRecord {
    const raw = rawOf(bytes, span, this.#recordBytes);
    return { record: ++this.#record, line: span.line, cells: null, rule, reason, raw };
  }
}

/** Keeps its block, and makes its raw text only when it is asked for: few records ever are. */
class CsvRecord implements RawRecord {
  readonly record: number;
  readonly cells: readonly RawCell[];
  readonly #span: Span;
  readonly #bytes: Buffer;
  readonly #recordBytes: number;

  constructor(record: number, span: Span, cells: readonly RawCell[], bytes: Buffer, recordBytes: number) {
    this.record = record;
    this.cells = cells;
    this.#span = span;
    this.#bytes = bytes;
    this.#recordBytes = recordBytes;
  }

  get line(): number {
    return this.#span.line;
  }

  get raw(): string {
    return rawOf(this.#bytes, this.#span, this.#recordBytes);
  }
}

/** Whether it is a file's last record and nothing ends its line. One that is too long is given up before its end. */
function isOpen(bytes: Buffer, { next, fault }: Span): boolean {
  return fault !== 'record-too-long' && next === bytes.length && bytes[next - 1] !== LF;
}

function rawOf(bytes: Buffer, { start, end }: Span, recordBytes: number): string {
  return bytes.toString('utf8', start, Math.min(end, start + recordBytes));
}
