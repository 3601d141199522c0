import type { BusinessDate } from '../rules/business-date.ts';
import type { Dataset } from '../rules/dataset.ts';
import { daysSince2000 } from './ascii.ts';
import type { CopyRows } from './copy-rows.ts';

/** Whether an encoded row is of the dataset day, by the places of its columns; false also where it does not say. */
export type IsOwnDay = (out: CopyRows, places: Int32Array) => boolean;

const DAY_MICROS = 86_400_000_000;
const TWO_32 = 4_294_967_296;

/** Undefined where the dataset says its rows' day by columns that cannot be compared once they are encoded. */
export function ownDay(dataset: Dataset, businessDate: BusinessDate): IsOwnDay | undefined {
  const { dayOfRow, columns } = dataset;
  if (!dayOfRow) return () => true;
  const names = Object.keys(columns);
  const [year, month, day] = businessDate.split('-').map(Number) as [number, number, number];
  if ('year' in dayOfRow) {
    const parts = [dayOfRow.year, dayOfRow.month, dayOfRow.day];
    if (parts.some((name) => columns[name]?.type !== 'integer')) return undefined;
    const [ofYear, ofMonth, ofDay] = parts.map((name) => integerAt(names.indexOf(name), 4));
    return (out, places) =>
      ofYear?.(out, places) === year && ofMonth?.(out, places) === month && ofDay?.(out, places) === day;
  }
  // Beyond the year 2285 doubles no longer tell one microsecond from the next.
  if (year < 1800 || year > 2200) return undefined;
  const name = 'column' in dayOfRow ? dayOfRow.column : dayOfRow.monthOf;
  const first = daysSince2000(year, month, 'column' in dayOfRow ? day : 1);
  const after =
    'column' in dayOfRow ? first + 1 : daysSince2000(year + (month === 12 ? 1 : 0), (month % 12) + 1, 1);
  const index = names.indexOf(name);
  switch (columns[name]?.form.is) {
    case 'date':
      return isFrom(integerAt(index, 4), first, after);
    case 'timestamp':
      return isFrom(microsAt(index), first * DAY_MICROS, after * DAY_MICROS);
    default:
      return undefined;
  }
}

/** The columns by which rows say their day. */
export function dayColumnsOf({ dayOfRow, columns }: Pick<Dataset, 'dayOfRow' | 'columns'>): number[] {
  const names = Object.keys(columns);
  return Object.values(dayOfRow ?? {}).map((name) => names.indexOf(name));
}

type ValueAt = (out: CopyRows, places: Int32Array) => number;

/** NaN for null. */
function integerAt(index: number, bytes: number): ValueAt {
  return (out, places) => {
    const place = places[index] as number;
    return out.int32At(place) === bytes ? out.int32At(place + 4) : NaN;
  };
}

function microsAt(index: number): ValueAt {
  const high = integerAt(index, 8);
  return (out, places) => high(out, places) * TWO_32 + out.uint32At((places[index] as number) + 8);
}

function isFrom(valueAt: ValueAt, first: number, after: number): IsOwnDay {
  return (out, places) => {
    const value = valueAt(out, places);
    return value >= first && value < after;
  };
}
