import { CopyRows } from './copy-rows.ts';
import { placesOf, type CsvBlock } from './csv.ts';
import type { Place } from './csv-fields.ts';
import { isLines, LF, spanOfLine, type Lines } from './csv-records.ts';
import type { FastLane } from './fast-lane.ts';
import type { Judge } from './judge.ts';

/** What is used of it. */
export type Lane = Pick<FastLane, 'take' | 'brokenRule' | 'newline' | 'end'>;

/** Mostly enough. */
export function roomForRows({ bytes }: Pick<CsvBlock, 'bytes'>): number {
  return 2 * bytes.length;
}

/** Of each row: where its line begins, which line and which record it is. */
const PLACE_NUMBERS = 3;

/** Memory for the places of a block's rows. @param earlier another block's, that is used again if it suffices */
export function roomForPlaces({ runs }: Pick<CsvBlock, 'runs'>, earlier?: Int32Array): Int32Array {
  const lines = runs.reduce((sum, run) => sum + (isLines(run) ? run.lines : 0), 0);
  const numbers = PLACE_NUMBERS * lines;
  return earlier && earlier.length >= numbers ? earlier : new Int32Array(2 * numbers);
}

/** The rows of a block that the fast lane took, and what it left. What it could reject for certain is rejected. */
export class PlainRows {
  /** Records that go the way of all others. */
  readonly others: Place[] = [];
  count = 0;
  /** How many bytes of rows, and how many rows, come before each of `others`. */
  readonly #before: number[] = [];
  readonly #rowsBefore: number[] = [];
  readonly #rows: CopyRows;
  readonly #bytes: Buffer;
  readonly #places: Int32Array | undefined;
  readonly #judge: Judge;

  /** @param places where the places of its rows are kept, if anybody asks for them @param room where its rows may lie */
  constructor(
    block: CsvBlock,
    lane: Lane | undefined,
    judge: Judge,
    places: Int32Array | undefined,
    room?: Buffer,
  ) {
    this.#bytes = block.bytes;
    this.#judge = judge;
    this.#places = places;
    this.#rows = new CopyRows(room ?? (lane ? roomForRows(block) : 0));
    if (!lane) {
      this.#leave(block);
      return;
    }
    let { record } = block;
    for (const run of block.runs) {
      if (isLines(run)) record = this.#take(block, run, lane, record);
      else record += this.#leave({ ...block, runs: [run], record });
    }
  }

  /** Rows in the order of their records. @param ends where the row of each of `others` ends, or would */
  weave(rows: Uint8Array, ends: readonly number[]): Uint8Array {
    const own = this.#rows.written();
    if (rows.length === 0) return own;
    const pieces: Uint8Array[] = [];
    let [ownAt, at] = [0, 0];
    for (const [index, end] of ends.entries()) {
      if (end === at) continue; // not staged
      const before = this.#before[index] as number;
      pieces.push(own.subarray(ownAt, before), rows.subarray(at, end));
      [ownAt, at] = [before, end];
    }
    return Buffer.concat([...pieces, own.subarray(ownAt)]);
  }

  /** Tells where the record of a row is. @param ends as `weave` has them */
  placesOfRows(ends: readonly number[]): (row: number) => Place {
    const staged = ends.flatMap((end, index) => (end === (ends[index - 1] ?? 0) ? [] : [index]));
    // What others come before a row of the lane is known; so is, then, which of all rows each of them is.
    const rows = staged.map((other, before) => (this.#rowsBefore[other] as number) + before);
    return (row) => {
      const before = countBelow(rows, row);
      if (rows[before] === row) return this.others[staged[before] as number] as Place;
      return this.#placeOf(row - before);
    };
  }

  #placeOf(row: number): Place {
    const from = PLACE_NUMBERS * row;
    const numbers = this.#places?.subarray(from, from + PLACE_NUMBERS) ?? [];
    const [start, line, record] = numbers as unknown as [number, number, number];
    return { ...spanOfLine(this.#bytes, start, this.#bytes.indexOf(LF, start), line), record };
  }

  #take(
    { bytes, header }: CsvBlock,
    { start, next, line, quoted }: Lines,
    lane: Lane,
    first: number,
  ): number {
    let record = first;
    for (let at = start; at < next; line++) {
      if (lane.take(bytes, at, this.#rows, quoted)) {
        if (this.#places) {
          const place = PLACE_NUMBERS * this.count;
          this.#places[place] = at;
          this.#places[place + 1] = line;
          this.#places[place + 2] = record;
        }
        this.count++;
        record++;
      } else if (at < lane.end || header.width === 1) {
        this.#turnAway(lane, at, line, record++);
      }
      at = lane.newline + 1;
    }
    return record;
  }

  #turnAway(lane: Lane, start: number, line: number, record: number): void {
    const broken = lane.brokenRule(this.#bytes, this.#rows);
    if (broken) this.#judge.rejectBytes({ record, line }, broken, this.#bytes, start, lane.end);
    else this.#leaveAt({ ...spanOfLine(this.#bytes, start, lane.newline, line), record });
  }

  #leave(block: CsvBlock): number {
    const before = this.others.length;
    for (const place of placesOf(block)) this.#leaveAt(place);
    return this.others.length - before;
  }

  #leaveAt(place: Place): void {
    this.others.push(place);
    this.#before.push(this.#rows.at);
    this.#rowsBefore.push(this.count);
  }
}

/** How many of ascending numbers are lower. */
function countBelow(numbers: readonly number[], bound: number): number {
  let [from, to] = [0, numbers.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((numbers[middle] as number) < bound) from = middle + 1;
    else to = middle;
  }
  return from;
}
