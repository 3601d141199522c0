import { firstOfMonth, type BusinessDate } from './business-date.ts';
import type { Dataset } from './dataset.ts';
import { UsageError } from './errors.ts';

/**
 * Whether a dataset can be loaded under this date: a monthly one only under the first of a month (§1), for under two
 * dates the same month would be there twice. Without a schedule, one is monthly whose rows may be of any day of it.
 */
export function isDateOf({ schedule, dayOfRow }: Dataset, date: BusinessDate): boolean {
  const isMonthly = schedule
    ? schedule.cadence === 'monthly'
    : dayOfRow !== undefined && 'monthOf' in dayOfRow;
  return !isMonthly || date === firstOfMonth(date);
}

/** Why the dataset cannot be loaded under this date, or undefined where it can. */
export function problemOfDate(dataset: Dataset, date: BusinessDate): string | undefined {
  if (isDateOf(dataset, date)) return undefined;
  return `${date} is no date of ${dataset.name}: its whole month is loaded as ${firstOfMonth(date)}`;
}

/**
 * @param commandFor what to type instead, for the date that is handed in
 * @throws UsageError where the dataset cannot be loaded under this date
 */
export function requireDateOf(
  dataset: Dataset,
  date: BusinessDate,
  commandFor: (date: BusinessDate) => string,
): void {
  const problem = problemOfDate(dataset, date);
  if (problem === undefined) return;
  throw new UsageError(problem, {
    hint: `Name the first of the month: npx nighttrain ${commandFor(firstOfMonth(date))}`,
  });
}
