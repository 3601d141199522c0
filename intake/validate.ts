import { isCalendarDay, type BusinessDate } from '../rules/business-date.ts';
import { Rejection, type Column } from '../rules/columns.ts';
import type { Dataset, DayOfRow } from '../rules/dataset.ts';
import type { RawCell } from './records.ts';

/** A row's values as PostgreSQL prints them, in the order of the dataset's columns; null where one is missing. */
export type Values = readonly (string | null)[];

/** What is wrong with a record: the first broken rule. */
export interface BrokenRule {
  /** The one at fault, where there is one. */
  readonly column: string | null;
  readonly rule: string;
  readonly reason: string;
}

export type Verdict = Values | 'discarded' | BrokenRule;

/** Whether the row is one of values: neither discarded nor broken. */
export function isValid(verdict: Verdict): verdict is Values {
  return Array.isArray(verdict);
}

/**
 * Makes the judge of a dataset day's rows. A row of another day is discarded, whatever else is wrong with it, once
 * its day can be read; of any other row the first broken rule counts, in the order of the columns.
 */
export function createValidator(
  dataset: Dataset,
  businessDate: BusinessDate,
): (cells: readonly RawCell[]) => Verdict {
  const names = Object.keys(dataset.columns);
  const columns = Object.values(dataset.columns);
  const isOtherDay = dataset.dayOfRow && dayReader(dataset.dayOfRow, names, columns, businessDate);
  const dayColumn = dataset.dayOfRow && dayColumnOf(dataset.dayOfRow);

  return (cells) => {
    const day = isOtherDay?.(cells);
    if (day === 'other') return 'discarded';
    const values: (string | null)[] = [];
    for (let index = 0; index < columns.length; index++) {
      const value = valueOf(columns[index] as Column, cells[index] ?? null);
      if (value instanceof Rejection) return broken(names[index] as string, value);
      values.push(value);
    }
    if (day === 'unreadable') return broken(dayColumn as string, NO_DAY);
    return values;
  };
}

/** The column that is blamed where a row's day cannot be read. */
function dayColumnOf(dayOfRow: DayOfRow): string {
  if ('column' in dayOfRow) return dayOfRow.column;
  return 'monthOf' in dayOfRow ? dayOfRow.monthOf : dayOfRow.day;
}

const NO_DAY = new Rejection('no-day', 'does not say which day the row belongs to');

function broken(column: string, { rule, reason }: Rejection): BrokenRule {
  return { column, rule, reason };
}

/** @param cell null where it is missing */
export function valueOf(column: Column, cell: RawCell): string | null | Rejection {
  if (typeof cell === 'string') return column.parse(cell);
  if (cell !== null) return cell;
  return column.missingRule === undefined ? null : new Rejection(column.missingRule, 'is missing');
}

type DayOfCells = (cells: readonly RawCell[]) => 'ours' | 'other' | 'unreadable';

/** Compares a row's own day, as its columns read it; a timestamp's day is the one in UTC (R18). */
function dayReader(
  dayOfRow: DayOfRow,
  names: readonly string[],
  columns: readonly Column[],
  businessDate: BusinessDate,
): DayOfCells {
  const read = (name: string) => {
    const index = names.indexOf(name);
    const column = columns[index] as Column;
    return (cells: readonly RawCell[]) => {
      const cell = cells[index];
      const value = typeof cell === 'string' ? column.parse(cell) : undefined;
      return typeof value === 'string' ? value : undefined;
    };
  };
  if ('column' in dayOfRow || 'monthOf' in dayOfRow) {
    const instant = read('column' in dayOfRow ? dayOfRow.column : dayOfRow.monthOf);
    const ours = 'column' in dayOfRow ? businessDate : businessDate.slice(0, 'YYYY-MM'.length);
    return (cells) => {
      const value = instant(cells);
      if (value === undefined) return 'unreadable';
      if (value.startsWith(ours)) return 'ours';
      return isCalendarDay(value.slice(0, 10)) ? 'other' : 'unreadable';
    };
  }
  const [year, month, day] = [read(dayOfRow.year), read(dayOfRow.month), read(dayOfRow.day)];
  const [ourYear, ourMonth, ourDay] = businessDate.split('-').map((part) => String(Number(part)));
  return (cells) => {
    const [y, m, d] = [year(cells), month(cells), day(cells)];
    if (y === undefined || m === undefined || d === undefined) return 'unreadable';
    if (y === ourYear && m === ourMonth && d === ourDay) return 'ours';
    const isDay = isCalendarDay(`${y.padStart(4, '0')}-${m.padStart(2, '0')}-${d.padStart(2, '0')}`);
    return isDay ? 'other' : 'unreadable';
  };
}
