import type { BusinessDate } from '../rules/business-date.ts';
import type { Dataset } from '../rules/dataset.ts';
import type { CsvSource } from '../rules/source.ts';
import type { CsvBlock } from './csv.ts';
import { FieldReader } from './csv-fields.ts';
import type { Header } from './csv-header.ts';
import { openFastLane } from './fast-lane.ts';
import { Judge, type Sorted } from './judge.ts';
import { judgeKeys } from './judge-keys.ts';
import type { KeyColumn } from './key-column.ts';
import { PlainRows, roomForPlaces, type Lane } from './plain-rows.ts';

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
  #places: Int32Array | undefined;

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
    if (this.#part.key) this.#places = roomForPlaces(block, this.#places);
    const plain = new PlainRows(block, this.#lane, this.#judge, this.#places, room);
    const staged: number[] = [];
    for (let from = 0; from < plain.others.length; from += RECORDS_AT_ONCE) {
      for (const record of this.#reader.read(block.bytes, plain.others.slice(from, from + RECORDS_AT_ONCE))) {
        this.#judge.judge(record);
        staged.push(this.#judge.rows.at);
      }
    }
    const { rejects } = this.#judge; // keys add to the lines of this block, not to the next one's
    const sorted = this.#judge.take();
    const { read, staged: judged } = sorted.count;
    const count = { ...sorted.count, read: read + plain.count, staged: judged + plain.count };
    const rows = plain.weave(sorted.rows, staged);
    const { dataset, key } = this.#part;
    const places = () => plain.placesOfRows(staged);
    const keys = key && judgeKeys(dataset, key, { rows, rejects, places, bytes: block.bytes });
    return { ...sorted, rows, count, ...(keys && { keys }) };
  }
}
