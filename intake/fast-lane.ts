import type { BusinessDate } from '../rules/business-date.ts';
import { Rejection, type Column } from '../rules/columns.ts';
import type { Dataset } from '../rules/dataset.ts';
import type { CsvSource } from '../rules/source.ts';
import { readerOf, utf8 } from './byte-readers.ts';
import { roomFor } from './copy-fields.ts';
import type { CopyRows, Encode } from './copy-rows.ts';
import { raggedRecord } from './csv-fields.ts';
import { CR, endOfText, LF, QUOTE } from './csv-records.ts';
import type { Header } from './csv-header.ts';
import { dayColumnsOf, ownDay, type IsOwnDay } from './own-day.ts';
import { valueOf, type BrokenRule } from './validate.ts';

const MOST_BROKEN = 1_000;
const REPLACEMENT = '\uFFFD';

/** Undefined where rows say their day in a way that it does not know. */
export function openFastLane(
  dataset: Dataset,
  source: CsvSource,
  header: Header,
  businessDate: BusinessDate,
): FastLane | undefined {
  const isOwnDay = ownDay(dataset, businessDate);
  return isOwnDay && new FastLane(dataset, source, header, isOwnDay);
}

/**
 * Reads plain records straight from their bytes into COPY's binary format. At the slightest doubt it takes back what it
 * wrote of the record, which then goes the way of all others (csv-parse, columns, validator), unless it is certain which
 * rule these would find broken.
 */
export class FastLane {
  /** Of the line that was last looked at: its newline, and where what is before it ends. */
  newline = 0;
  end = 0;
  readonly #names: readonly string[];
  readonly #columns: readonly Column[];
  readonly #delimiter: number;
  readonly #width: number;
  /** For each column, the index of its field, its reader, and whether its value may be missing. */
  readonly #fields: readonly number[];
  readonly #readers: readonly Encode[];
  readonly #mayMiss: readonly boolean[];
  readonly #missing: readonly Buffer[];
  readonly #isOwnDay: IsOwnDay;
  readonly #dayColumns: readonly number[];
  /** Where fields begin and end. */
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  /** Where columns begin in the output. */
  readonly #places: Int32Array;
  readonly #broken = new Map<string, BrokenRule>();
  /** Fields of the record that was last looked at. */
  #found = 0;
  /** The column at which it was turned away; all of them where it was read to its end. */
  #stuckAt = 0;

  constructor(dataset: Dataset, source: CsvSource, header: Header, isOwnDay: IsOwnDay) {
    const columns = Object.values(dataset.columns);
    this.#names = Object.keys(dataset.columns);
    this.#columns = columns;
    this.#delimiter = source.delimiter.charCodeAt(0);
    this.#width = header.width;
    this.#fields = header.fields;
    this.#readers = columns.map(readerOf);
    this.#mayMiss = columns.map(({ missingRule }) => missingRule === undefined);
    this.#missing = source.missing.filter((text) => text !== '').map((text) => Buffer.from(text));
    this.#isOwnDay = isOwnDay;
    this.#dayColumns = dayColumnsOf(dataset);
    this.#starts = new Int32Array(header.width);
    this.#ends = new Int32Array(header.width);
    this.#places = new Int32Array(columns.length);
  }

  /**
   * Appends the record on the line that begins at `start` and has an end, or answers false and leaves `out` as it was.
   * @param quoted whether quotes may stand in it
   */
  take(bytes: Uint8Array, start: number, out: CopyRows, quoted: boolean): boolean {
    if (!(quoted ? this.#cutQuoted(bytes, start) : this.#cut(bytes, start))) return false;
    const row = out.at;
    out.reserve(roomFor(this.newline - start) + this.#readers.length * roomFor(0));
    out.int16(this.#readers.length);
    for (let column = 0; column < this.#readers.length; column++) {
      if (this.#append(bytes, column, out)) continue;
      this.#stuckAt = column;
      return takeBack(out, row);
    }
    this.#stuckAt = this.#readers.length;
    return this.#isOwnDay(out, this.#places) || takeBack(out, row);
  }

  /**
   * The rule that the record breaks that was just turned away, and by which all others would reject it: columns before
   * the one at which it was turned away are sound. Undefined where that is not certain, or the record is another day's.
   */
  brokenRule(bytes: Uint8Array, out: CopyRows): BrokenRule | undefined {
    if (this.#found !== this.#width) return this.#sameAs(raggedRecord(this.#found, this.#width));
    const column = this.#columns[this.#stuckAt];
    if (!column) return undefined;
    const field = this.#fields[this.#stuckAt] as number;
    const [from, to] = [this.#starts[field] as number, this.#ends[field] as number];
    const text = utf8(bytes, from, to);
    if (text.includes(REPLACEMENT)) return undefined; // as a text it may be one that stands for a missing value
    const value = valueOf(column, this.#isMissing(bytes, from, to) ? null : text);
    if (!(value instanceof Rejection) || !this.#isOfOwnDay(bytes, out)) return undefined;
    const { rule, reason } = value;
    return this.#sameAs({ column: this.#names[this.#stuckAt] as string, rule, reason });
  }

  /** The like of it that was answered before, if one was: few ever differ. */
  #sameAs(broken: BrokenRule): BrokenRule {
    const text = `${broken.column} ${broken.rule} ${broken.reason}`;
    const known = this.#broken.get(text);
    if (known) return known;
    if (this.#broken.size < MOST_BROKEN) this.#broken.set(text, broken);
    return broken;
  }

  /** Of the record that was turned away; also where it is broken in what would say its day. */
  #isOfOwnDay(bytes: Uint8Array, out: CopyRows): boolean {
    const days = this.#dayColumns;
    if (days.includes(this.#stuckAt)) return true;
    const row = out.at;
    // Behind the columns that were read, whose bytes are still there.
    out.at = this.#places[this.#stuckAt] as number;
    const isSound = days.every((column) => column < this.#stuckAt || this.#append(bytes, column, out));
    out.at = row;
    return isSound && this.#isOwnDay(out, this.#places);
  }

  #append(bytes: Uint8Array, column: number, out: CopyRows): boolean {
    this.#places[column] = out.at;
    const field = this.#fields[column] as number;
    const from = this.#starts[field] as number;
    const to = this.#ends[field] as number;
    if (!this.#isMissing(bytes, from, to)) return (this.#readers[column] as Encode)(bytes, from, to, out);
    if (!this.#mayMiss[column]) return false;
    out.int32(-1);
    return true;
  }

  /** Finds fields and newline; false where the record is not as wide as the header. */
  #cut(bytes: Uint8Array, start: number): boolean {
    const [starts, ends] = [this.#starts, this.#ends];
    const [delimiter, width] = [this.#delimiter, this.#width];
    starts[0] = start;
    let fields = 1;
    let at = start;
    for (; bytes[at] !== LF; at++) {
      if (bytes[at] !== delimiter) continue;
      if (fields < width) {
        ends[fields - 1] = at;
        starts[fields] = at + 1;
      }
      fields++;
    }
    this.#endAt(bytes, start, at);
    ends[width - 1] = this.end;
    this.#found = fields;
    return fields === width;
  }

  /** The same of a sound record with quotes; false also where one is doubled, which takes a text to be made of it. */
  #cutQuoted(bytes: Uint8Array, start: number): boolean {
    const [delimiter, width] = [this.#delimiter, this.#width];
    let fields = 0;
    let at = start - 1; // at the delimiter before a field
    do {
      const isQuoted = bytes[++at] === QUOTE;
      if (isQuoted) at++;
      const from = at;
      if (isQuoted) while (bytes[at] !== QUOTE) at++;
      else while (bytes[at] !== delimiter && bytes[at] !== LF) at++;
      const to = !isQuoted && bytes[at] === LF ? endOfText(bytes, from, at) : at;
      if (isQuoted && bytes[++at] === QUOTE) return this.#leave(bytes, start);
      if (fields < width) {
        this.#starts[fields] = from;
        this.#ends[fields] = to;
      }
      fields++;
    } while (bytes[at] === delimiter);
    this.#endAt(bytes, start, bytes[at] === CR ? at + 1 : at);
    this.#found = fields;
    return fields === width;
  }

  /** Nothing is certain of the record. */
  #leave(bytes: Uint8Array, start: number): false {
    this.#endAt(bytes, start, bytes.indexOf(LF, start));
    this.#found = this.#width;
    this.#stuckAt = this.#readers.length;
    return false;
  }

  #endAt(bytes: Uint8Array, start: number, newline: number): void {
    this.newline = newline;
    this.end = endOfText(bytes, start, newline);
  }

  #isMissing(bytes: Uint8Array, from: number, to: number): boolean {
    if (from === to) return true;
    for (const text of this.#missing) {
      if (text.length === to - from && text.equals(bytes.subarray(from, to))) return true;
    }
    return false;
  }
}

function takeBack(out: CopyRows, row: number): false {
  out.at = row;
  return false;
}
