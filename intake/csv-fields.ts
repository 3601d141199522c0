import { CsvError, parse } from 'csv-parse/sync';
import type { Dataset } from '../rules/dataset.ts';
import { SourceBroken } from '../rules/errors.ts';
import type { CsvSource } from '../rules/source.ts';
import type { Header } from './csv-header.ts';
import { LF, type Fault, type Span } from './csv-records.ts';
import type { BrokenRecord, RawCell, RawRecord, ReadRecord } from './records.ts';

export const REASONS: Readonly<Record<Fault, readonly [rule: string, reason: string]>> = {
  'broken-quote': ['broken-quote', 'has a quote that is not doubled, or is never closed'],
  'in-doubt': ['broken-quote', 'follows a broken quote and may stand inside its field'],
  'record-too-long': ['record-too-long', 'belongs to a record that is longer than the dataset allows'],
};

/** Why a record is rejected that is not as wide as the header. */
export function raggedRecord(fields: number, width: number) {
  return { column: null, rule: 'ragged-record', reason: `has ${fields} fields, the header has ${width}` };
}

/** A span that is a record, and which one of its part, from 1. */
export interface Place extends Span {
  readonly record: number;
}

/** Takes records of one file apart. */
export class FieldReader {
  readonly #source: CsvSource;
  readonly #header: Header;
  readonly #file: string;
  readonly #recordBytes: number;
  readonly #missing: ReadonlySet<string>;

  constructor(dataset: Dataset, source: CsvSource, header: Header, file: string) {
    this.#source = source;
    this.#header = header;
    this.#file = file;
    this.#recordBytes = dataset.bounds.recordBytes;
    this.#missing = new Set(['', ...source.missing]);
  }

  /**
   * The records of a block that stand at these places.
   * @throws SourceBroken where the file was cut short in one of them
   */
  read(bytes: Buffer, places: readonly Place[]): ReadRecord[] {
    const records: ReadRecord[] = [];
    let run: Place[] = [];
    for (const place of places) {
      if (this.#source.endsLastLine && isOpen(bytes, place))
        throw this.#cutShort(place, 'its line has no end');
      if (place.fault) {
        if (isOpen(bytes, place)) throw this.#cutShort(place, `it ${REASONS[place.fault][1]}`);
        this.#readRun(bytes, run, records);
        run = [];
        records.push(this.#broken(bytes, place, ...REASONS[place.fault]));
      } else {
        run.push(place);
      }
    }
    this.#readRun(bytes, run, records);
    return records;
  }

  #readRun(bytes: Buffer, run: readonly Place[], records: ReadRecord[]): void {
    const { width } = this.#header;
    for (const [place, fields] of this.#fieldsOf(bytes, run)) {
      if (fields.length === width) {
        records.push(new CsvRecord(place, this.#cells(fields), bytes, this.#recordBytes));
      } else {
        const { rule, reason } = raggedRecord(fields.length, width);
        if (fields.length < width && isOpen(bytes, place)) throw this.#cutShort(place, `it ${reason}`);
        records.push(this.#broken(bytes, place, rule, reason));
      }
    }
  }

  /** Where no quote is, fields are what lies between delimiters; all others are csv-parse's to take apart. */
  #fieldsOf(bytes: Buffer, run: readonly Place[]): [Place, readonly string[]][] {
    const quoted: Place[] = [];
    const plain = run.map((place) => {
      const text = bytes.toString('utf8', place.start, place.end);
      if (!text.includes('"')) return text.split(this.#source.delimiter);
      quoted.push(place);
      return undefined;
    });
    const others = quoted.length > 0 ? this.#takeApart(bytes, quoted).values() : [].values();
    return run.map((place, index) => [place, plain[index] ?? (others.next().value as string[])]);
  }

  #takeApart(bytes: Buffer, run: readonly Place[]): string[][] {
    const rows = takeApart(together(bytes, run), this.#source.delimiter, this.#header.width > 1);
    if (rows.length === run.length) return rows;
    throw new SourceBroken('Two readers disagree about where records end', {
      detail: `${this.#file}, lines ${run[0]?.line} to ${run.at(-1)?.line}: ${run.length} or ${rows.length} records`,
      hint: 'Report this with the lines named here.',
    });
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

  #broken(bytes: Buffer, place: Place, rule: string, reason: string): BrokenRecord {
    const raw = rawOf(bytes, place, this.#recordBytes);
    return { record: place.record, line: place.line, cells: null, rule, reason, raw };
  }
}

/** The bytes of records that may have others between them, each with the end of its line. */
function together(bytes: Buffer, places: readonly Place[]): Buffer {
  const pieces: Buffer[] = [];
  let [start, next] = [0, 0];
  for (const place of places) {
    if (place.start !== next) {
      pieces.push(bytes.subarray(start, next));
      start = place.start;
    }
    next = place.next;
  }
  const last = bytes.subarray(start, next);
  return pieces.length === 0 ? last : Buffer.concat([...pieces, last]);
}

/** Fields of sound records; csv-parse reads both ends of line. */
export function takeApart(bytes: Buffer, delimiter: string, skipBlank: boolean): string[][] {
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

/** Keeps its block, and makes its raw text only when it is asked for: few records ever are. */
class CsvRecord implements RawRecord {
  readonly cells: readonly RawCell[];
  readonly #place: Place;
  readonly #bytes: Buffer;
  readonly #recordBytes: number;

  constructor(place: Place, cells: readonly RawCell[], bytes: Buffer, recordBytes: number) {
    this.cells = cells;
    this.#place = place;
    this.#bytes = bytes;
    this.#recordBytes = recordBytes;
  }

  get record(): number {
    return this.#place.record;
  }

  get line(): number {
    return this.#place.line;
  }

  get raw(): string {
    return rawOf(this.#bytes, this.#place, this.#recordBytes);
  }
}

/** Whether it is a file's last record and nothing ends its line. One that is too long is given up before its end. */
function isOpen(bytes: Buffer, { next, fault }: Span): boolean {
  return fault !== 'record-too-long' && next === bytes.length && bytes[next - 1] !== LF;
}

/** A record's text as it came, cut at the dataset's `recordBytes`. */
export function rawOf(
  bytes: Buffer,
  { start, end }: Pick<Span, 'start' | 'end'>,
  recordBytes: number,
): string {
  return bytes.toString('utf8', start, Math.min(end, start + recordBytes));
}
