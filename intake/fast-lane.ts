import type { BusinessDate } from '../rules/business-date.ts';
import type { Dataset } from '../rules/dataset.ts';
import type { CsvSource } from '../rules/source.ts';
import { readerOf } from './byte-readers.ts';
import { roomFor } from './copy-fields.ts';
import type { CopyRows, Encode } from './copy-rows.ts';
import type { Header } from './csv-header.ts';
import { ownDay, type IsOwnDay } from './own-day.ts';

const LF = 10;
const CR = 13;

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
 * Reads plain records straight from their bytes into COPY's binary format. It only ever accepts: at the slightest doubt
 * it takes back what it wrote of the record, which then goes the way of all others (csv-parse, columns, validator), where
 * alone records are rejected and discarded.
 */
export class FastLane {
  /** The end of the line that was last taken, at its newline. */
  newline = 0;
  readonly #delimiter: number;
  readonly #width: number;
  /** For each column, the index of its field, its reader, and whether its value may be missing. */
  readonly #fields: readonly number[];
  readonly #readers: readonly Encode[];
  readonly #mayMiss: readonly boolean[];
  readonly #missing: readonly Buffer[];
  readonly #isOwnDay: IsOwnDay;
  /** Where fields begin; one more, where the field after the last would. */
  readonly #starts: Int32Array;
  /** Where columns begin in the output. */
  readonly #places: Int32Array;

  constructor(dataset: Dataset, source: CsvSource, header: Header, isOwnDay: IsOwnDay) {
    const columns = Object.values(dataset.columns);
    this.#delimiter = source.delimiter.charCodeAt(0);
    this.#width = header.width;
    this.#fields = header.fields;
    this.#readers = columns.map(readerOf);
    this.#mayMiss = columns.map(({ missingRule }) => missingRule === undefined);
    this.#missing = source.missing.filter((text) => text !== '').map((text) => Buffer.from(text));
    this.#isOwnDay = isOwnDay;
    this.#starts = new Int32Array(header.width + 1);
    this.#places = new Int32Array(columns.length);
  }

  /** Appends the record on the line that begins at `start` and has an end, or answers false and leaves `out` as it was. */
  take(bytes: Uint8Array, start: number, out: CopyRows): boolean {
    if (!this.#cut(bytes, start)) return false;
    const row = out.at;
    out.reserve(roomFor(this.newline - start) + this.#readers.length * roomFor(0));
    out.int16(this.#readers.length);
    for (let column = 0; column < this.#readers.length; column++) {
      this.#places[column] = out.at;
      const field = this.#fields[column] as number;
      const from = this.#starts[field] as number;
      const to = (this.#starts[field + 1] as number) - 1;
      if (this.#isMissing(bytes, from, to)) {
        if (!this.#mayMiss[column]) return takeBack(out, row);
        out.int32(-1);
      } else if (!(this.#readers[column] as Encode)(bytes, from, to, out)) {
        return takeBack(out, row);
      }
    }
    return this.#isOwnDay(out, this.#places) || takeBack(out, row);
  }

  /** Finds fields and newline; false where the record is not as wide as the header. */
  #cut(bytes: Uint8Array, start: number): boolean {
    const starts = this.#starts;
    const [delimiter, width] = [this.#delimiter, this.#width];
    starts[0] = start;
    let fields = 1;
    let at = start;
    for (; bytes[at] !== LF; at++) {
      if (bytes[at] !== delimiter) continue;
      if (fields < width) starts[fields] = at + 1;
      fields++;
    }
    this.newline = at;
    starts[width] = (at > start && bytes[at - 1] === CR ? at - 1 : at) + 1;
    return fields === width;
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
