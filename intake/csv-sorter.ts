import type { BusinessDate } from '../rules/business-date.ts';
import type { Dataset } from '../rules/dataset.ts';
import type { CsvSource } from '../rules/source.ts';
import { CopyRows } from './copy-rows.ts';
import { placesOf, type CsvBlock } from './csv.ts';
import { FieldReader, type Place } from './csv-fields.ts';
import type { Header } from './csv-header.ts';
import { isLines, spanOfLine, type Lines } from './csv-records.ts';
import { openFastLane, type FastLane } from './fast-lane.ts';
import { Judge, type Sorted } from './judge.ts';
import { judgeKeys } from './judge-keys.ts';
import type { KeyColumn } from './key-column.ts';

/** All that sorting the records of one landed CSV file goes by. Plain data, but for the parsers of the columns. */
export interface CsvPart {
  readonly dataset: Dataset;
  readonly source: CsvSource;
  readonly businessDate: BusinessDate;
  readonly part: number;
  /** The landed file's key, for messages. */
  readonly file: string;
  /** Watched, so that copies of it are found. */
  readonly key?: KeyColumn | undefined;
}

const LF = 10;

type Lane = Pick<FastLane, 'take' | 'brokenRule' | 'newline' | 'end'>;
/** Undefined where there is none for the file. */
export type OpenLane = (...of: Parameters<typeof openFastLane>) => Lane | undefined;

/** Taken apart together: a block of empty lines has some hundred thousand records (R14). */
const RECORDS_AT_ONCE = 10_000;

/** Sorts blocks of one file. Needs nothing but the block: blocks may be sorted in any order, anywhere. */
export class CsvSorter {
  readonly #reader: FieldReader;
  readonly #judge: Judge;
  readonly #lane: Lane | undefined;
  readonly #part: CsvPart;
  /** Used again for each block; only where keys are watched. */
  #taken: Int32Array | undefined;

  constructor(part: CsvPart, header: Header, openLane: OpenLane = openFastLane) {
    const { dataset, source, businessDate } = part;
    this.#part = part;
    this.#reader = new FieldReader(dataset, source, header, part.file);
    this.#judge = new Judge(dataset, businessDate, part.part);
    this.#lane = openLane(dataset, source, header, businessDate);
  }

  /**
   * @param room where its rows may lie
   * @throws SourceBroken where the file was cut short in one of the block's records
   */
  sort(block: CsvBlock, room?: Buffer): Sorted {
    const plain = new PlainRows(block, this.#lane, this.#judge, this.#placesFor(block), room);
    const staged: number[] = [];
    for (let from = 0; from < plain.others.length; from += RECORDS_AT_ONCE) {
      for (const record of this.#reader.read(block.bytes, plain.others.slice(from, from + RECORDS_AT_ONCE))) {
        this.#judge.judge(record);
        staged.push(this.#judge.rows.at);
      }
    }
    const { rejects } = this.#judge;
    const sorted = this.#judge.take();
    const { read, staged: judged } = sorted.count;
    const count = { ...sorted.count, read: read + plain.count, staged: judged + plain.count };
    const rows = plain.weave(sorted.rows, staged);
    const { key } = this.#part;
    const places = () => plain.placesOfRows(staged);
    const keys = key && judgeKeys(this.#part.dataset, key, rows, rejects, places, block.bytes);
    return { ...sorted, rows, count, ...(keys && { keys }) };
  }

  #placesFor({ runs }: CsvBlock): Int32Array | undefined {
    if (!this.#part.key) return undefined;
    const lines = runs.reduce((sum, run) => sum + (isLines(run) ? run.lines : 0), 0);
    if (!this.#taken || this.#taken.length < PLACE_NUMBERS * lines)
      this.#taken = new Int32Array(2 * PLACE_NUMBERS * lines);
    return this.#taken;
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

/** Mostly enough. */
export function roomForRows({ bytes }: Pick<CsvBlock, 'bytes'>): number {
  return 2 * bytes.length;
}

/** Of each row: where its line begins, which line and which record it is. */
const PLACE_NUMBERS = 3;

/** The rows of a block that the fast lane took, and what it left. */
class PlainRows {
  /** Records that go the way of all others. */
  readonly others: Place[] = [];
  count = 0;
  /** How many bytes of rows, and how many rows, come before each of `others`. */
  readonly #before: number[] = [];
  readonly #rowsBefore: number[] = [];
  readonly #rows: CopyRows;
  readonly #bytes: Buffer;
  /** Where the rows were that the lane took. */
  readonly #taken: Int32Array | undefined;
  readonly #judge: Judge;

  constructor(
    block: CsvBlock,
    lane: Lane | undefined,
    judge: Judge,
    taken: Int32Array | undefined,
    room?: Buffer,
  ) {
    this.#bytes = block.bytes;
    this.#judge = judge;
    this.#taken = taken;
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
    const numbers = this.#taken?.subarray(from, from + PLACE_NUMBERS) ?? [];
    const [start, line, record] = numbers as unknown as [number, number, number];
    return { ...spanOfLine(this.#bytes, start, this.#bytes.indexOf(LF, start), line), record };
  }

  #take({ bytes, header }: CsvBlock, { start, next, line }: Lines, lane: Lane, first: number): number {
    let record = first;
    for (let at = start; at < next; line++) {
      if (lane.take(bytes, at, this.#rows)) {
        if (this.#taken) {
          const place = PLACE_NUMBERS * this.count;
          this.#taken[place] = at;
          this.#taken[place + 1] = line;
          this.#taken[place + 2] = record;
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
    const reason = lane.brokenRule(this.#bytes, this.#rows);
    if (reason) this.#judge.rejectBytes({ record, line }, reason, this.#bytes, start, lane.end);
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
