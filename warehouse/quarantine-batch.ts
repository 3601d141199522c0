import { BinaryArray } from './binary-array.ts';
import type { Quarantined } from './quarantine.ts';

/** What is in memory at once, here and in the server (R14). */
const ROWS_AT_ONCE = 25_000;
const BYTES_AT_ONCE = 4 * 1024 * 1024;

type PartRecord = readonly [part: number, record: number];

/** Rejected rows that are written by one statement: an array for each column, outside the heap. */
export class QuarantineBatch {
  rows = 0;
  /** No two are of one record, and they stand in the order of the records. */
  isAscending = true;
  readonly #part = new BinaryArray('INT4');
  readonly #record = new BinaryArray('INT8');
  readonly #rule = new BinaryArray('TEXT');
  readonly #line = new BinaryArray('INT8');
  readonly #column = new BinaryArray('TEXT');
  readonly #reason = new BinaryArray('TEXT');
  readonly #raw = new BinaryArray('TEXT');
  readonly #arrays = [
    this.#part,
    this.#record,
    this.#rule,
    this.#line,
    this.#column,
    this.#reason,
    this.#raw,
  ] as const;
  #first: PartRecord = [0, 0];
  #lastPart = 0;
  #lastRecord = 0;

  get isFull(): boolean {
    if (this.rows >= ROWS_AT_ONCE) return true;
    let bytes = 0;
    for (const array of this.#arrays) bytes += array.bytes;
    return bytes >= BYTES_AT_ONCE;
  }

  /** The places of its first and of its last row; all others are between them where they are ascending. */
  get ends(): readonly [...PartRecord, ...PartRecord] {
    return [...this.#first, this.#lastPart, this.#lastRecord];
  }

  add({ part, record, rule, line, column, reason, raw }: Quarantined): void {
    if (this.rows === 0) this.#first = [part, record];
    else if (part < this.#lastPart || (part === this.#lastPart && record <= this.#lastRecord))
      this.isAscending = false;
    this.#lastPart = part;
    this.#lastRecord = record;
    this.#part.int4(part);
    this.#record.int8(record);
    this.#rule.text(rule);
    this.#line.int8(line);
    this.#column.text(column);
    this.#reason.text(reason);
    this.#raw.text(raw);
    this.rows++;
  }

  /** Its arrays: part, record, rule, line, column, reason, raw. They hold until it is cleared. */
  parameters(): Buffer[] {
    return this.#arrays.map((array) => array.parameter());
  }

  clear(): void {
    this.rows = 0;
    this.isAscending = true;
    for (const array of this.#arrays) array.clear();
  }
}
