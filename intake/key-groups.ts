import { viewOf } from './copy-rows.ts';
import type { KeyColumn } from './key-column.ts';

/** What the keys of some encoded rows are like, in the order of the rows. */
export interface Keys {
  readonly first: bigint;
  readonly last: bigint;
  /** None is lower than the one before: rows of one key are neighbours. */
  readonly ascend: boolean;
  /** Of rows that share their key; none unless keys ascend. */
  readonly groups: readonly KeyGroup[];
}

export interface KeyGroup {
  /** Of the first row, among the rows. */
  readonly row: number;
  /** Where each row begins, and the last one ends. */
  readonly places: readonly number[];
  /** All rows are the same. */
  readonly isOfCopies: boolean;
}

/** Undefined where there are no rows. @param rows in COPY's binary format */
export function readKeys(rows: Uint8Array, column: KeyColumn): Keys | undefined {
  if (rows.length === 0) return undefined;
  const reader = new KeyReader(rows, column);
  reader.next();
  const first = reader.key;
  let ascend = !reader.isMissing;
  const groups: { row: number; places: number[] }[] = [];
  let [high, low, row] = [reader.high, reader.low, 0];
  while (ascend && reader.at < rows.length) {
    const before = reader.start;
    reader.next();
    row++;
    if (reader.high === high && reader.low === low) {
      const group = groups.at(-1);
      if (group?.places.at(-1) === reader.start) group.places.push(reader.at);
      else groups.push({ row: row - 1, places: [before, reader.start, reader.at] });
    } else if (reader.isMissing || reader.high < high || (reader.high === high && reader.low < low)) {
      ascend = false;
    }
    ({ high, low } = reader);
  }
  return {
    first,
    last: reader.key,
    ascend,
    groups: ascend ? groups.map((group) => ({ ...group, isOfCopies: isOfCopies(rows, group.places) })) : [],
  };
}

function isOfCopies(rows: Uint8Array, places: readonly number[]): boolean {
  const row = (index: number) => Buffer.from(rows.subarray(places[index], places[index + 1]));
  const first = row(0);
  return places.slice(2).every((_, index) => row(index + 1).equals(first));
}

/** Lower halves are unsigned: with this bit turned they compare as signed numbers do. */
const SIGN_BIT = 0x8000_0000;

/** Walks from row to row. */
class KeyReader {
  start = 0;
  /** Where the row ends. */
  at = 0;
  /** The key in two parts, compared one after the other: both as signed 32 bits, the only numbers that V8 keeps unboxed. */
  high = 0;
  low = 0;
  isMissing = false;
  readonly #view: DataView;
  readonly #index: number;
  readonly #bytes: 4 | 8;

  constructor(rows: Uint8Array, { index, bytes }: KeyColumn) {
    this.#view = viewOf(rows);
    this.#index = index;
    this.#bytes = bytes;
  }

  get key(): bigint {
    return this.#bytes === 4
      ? BigInt(this.high)
      : (BigInt(this.high) << 32n) | BigInt((this.low ^ SIGN_BIT) >>> 0);
  }

  next(): void {
    const view = this.#view;
    this.start = this.at;
    const fields = view.getInt16(this.at);
    let at = this.at + 2;
    for (let field = 0; field < fields; field++) {
      const length = view.getInt32(at);
      at += 4;
      if (field === this.#index) this.#take(at, length);
      if (length > 0) at += length;
    }
    this.at = at;
  }

  #take(at: number, length: number): void {
    this.isMissing = length !== this.#bytes;
    if (this.isMissing) return;
    this.high = this.#view.getInt32(at);
    this.low = this.#bytes === 8 ? this.#view.getInt32(at + 4) ^ SIGN_BIT : 0;
  }
}
