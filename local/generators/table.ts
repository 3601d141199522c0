import type { BusinessDate } from '../../rules/business-date.ts';
import type { CellFlaw } from './flaws.ts';
import type { Page } from './page.ts';

/** What a set writes for one dataset day. */
export interface GeneratedTable {
  readonly dataset: string;
  readonly columns: readonly string[];
  readonly rows: number;
  /** Cut into the parts that were asked for, and damaged; the files that it refers to are one each, and sound. */
  readonly isFact: boolean;
  /** Cells that its dataset rejects. */
  readonly flaws: readonly CellFlaw[];
  /** Writes a sound row with its line's end: the key first, nothing in quotes. @param row from 0 */
  readonly writeRow: (page: Page, row: number) => void;
  /** Told of a row that was written and that no night will load. */
  readonly loseRow?: (row: number) => void;
}

/** What decides every byte of a set, but for the damage. */
export interface SetOptions {
  /** Of each business date. */
  readonly rows: number;
  readonly seed: string;
  /** Accounts whose balances their transactions do not explain, of each business date. */
  readonly drift: number;
}

/** A set, opened. */
export interface OpenedSet {
  /** Dates are asked for in their order, and a table is written before the next one is asked for. */
  tablesOf(businessDate: BusinessDate): Generator<GeneratedTable, void>;
  /** Accounts that drift on the date whose tables were written last. */
  readonly drifted: readonly number[];
}
