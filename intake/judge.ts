import type { BusinessDate } from '../rules/business-date.ts';
import type { Dataset } from '../rules/dataset.ts';
import { CopyRows } from './copy-rows.ts';
import { RowEncoder } from './row-encoder.ts';
import type { Way } from './follow-records.ts';
import type { ReadRecord } from './records.ts';
import { RejectLines, type RecordLine } from './reject-lines.ts';
import { createValidator, isValid, type BrokenRule } from './validate.ts';

/** What some records of a part came to, in their order. Plain data: it crosses from thread to thread. */
export interface Sorted {
  /** In COPY's binary format. */
  readonly rows: Uint8Array;
  /** JSON lines. */
  readonly rejects: Uint8Array;
  readonly count: SortedCount;
  readonly rejectedByRule: Readonly<Record<string, number>>;
  /** Of the rows; undefined where there are none, or keys are not watched. */
  readonly keys?: SortedKeys;
}

/** What is known of rows by their keys alone, as long as no other row has one of them. */
export interface SortedKeys {
  readonly first: bigint;
  readonly last: bigint;
  /** None is lower than the one before: rows of one key are neighbours. */
  readonly ascend: boolean;
  /** What to do about rows that share their key; none unless keys ascend. */
  readonly copies?: Copies;
}

export interface Copies {
  /** Rows to leave out: where each stretch of them begins, and ends. */
  readonly stretches: readonly (readonly [from: number, to: number])[];
  /** All that is rejected once they are judged, as JSON lines, in the order of the records. */
  readonly rejects: Uint8Array;
  readonly rejected: number;
  /** Identical copies of a row that stays. */
  readonly deduplicated: number;
}

export interface SortedCount {
  readonly read: number;
  readonly staged: number;
  readonly rejected: number;
  readonly discarded: number;
}

const STAGED: Way = { became: 'staged' };
const DISCARDED: Way = { became: 'discarded' };
const ROWS_BYTES = 16 * 1024;

/** Sends every record one way: staged, rejected or discarded; each is counted where it goes (R4). */
export class Judge {
  rows = new CopyRows(ROWS_BYTES);
  rejects: RejectLines;
  #rejectedByRule: Record<string, number> = {};
  #count = { read: 0, staged: 0, rejected: 0, discarded: 0 };
  readonly #part: number;
  readonly #recordBytes: number;
  readonly #validate: ReturnType<typeof createValidator>;
  readonly #encoder: RowEncoder;

  constructor(dataset: Dataset, businessDate: BusinessDate, part: number) {
    this.#part = part;
    this.#recordBytes = dataset.bounds.recordBytes;
    this.rejects = this.#noRejects();
    this.#validate = createValidator(dataset, businessDate);
    this.#encoder = new RowEncoder(dataset);
  }

  judge(record: ReadRecord): Way {
    if (record.cells === null) {
      const { rule, reason } = record;
      return this.#reject(record, { column: null, rule, reason }, record.raw);
    }
    const verdict = this.#validate(record.cells);
    if (verdict === 'discarded') return this.discard();
    if (!isValid(verdict)) return this.#reject(record, verdict, record.raw);
    this.#count.read++;
    this.#count.staged++;
    this.#encoder.append(verdict, this.rows);
    return STAGED;
  }

  /** Discards a record without looking at it. */
  discard(): Way {
    this.#count.read++;
    this.#count.discarded++;
    return DISCARDED;
  }

  /** What was judged since this was last asked. */
  take(): Sorted {
    const sorted = {
      rows: this.rows.written(),
      rejects: this.rejects.written(),
      count: this.#count,
      rejectedByRule: this.#rejectedByRule,
    };
    this.rows = new CopyRows(ROWS_BYTES);
    this.rejects = this.#noRejects();
    this.#rejectedByRule = {};
    this.#count = { read: 0, staged: 0, rejected: 0, discarded: 0 };
    return sorted;
  }

  /** Rejects a record whose text is `bytes[start, end)`, and which nobody has taken apart. */
  rejectBytes(place: RecordLine, broken: BrokenRule, bytes: Buffer, start: number, end: number): void {
    this.#countRejected(broken);
    this.rejects.addBytes(place, broken, bytes, start, end);
  }

  #reject(place: RecordLine, broken: BrokenRule, raw: string): Way {
    this.#countRejected(broken);
    this.rejects.add(place, broken, raw);
    return { became: 'rejected', becameRule: broken.rule };
  }

  #countRejected({ rule }: BrokenRule): void {
    this.#count.read++;
    this.#count.rejected++;
    this.#rejectedByRule[rule] = (this.#rejectedByRule[rule] ?? 0) + 1;
  }

  #noRejects(): RejectLines {
    return new RejectLines(this.#part, this.#recordBytes);
  }
}
