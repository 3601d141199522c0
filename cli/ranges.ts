import { daysBetween, type BusinessDate } from '../rules/business-date.ts';
import type { Dataset } from '../rules/dataset.ts';
import { UsageError } from '../rules/errors.ts';
import { isDateOf } from '../rules/month.ts';
import { count } from './figures.ts';

/** Ten years and a bit: a range beyond it is a typing error (R14). */
export const MOST_DAYS_OF_RANGE = 3_700;

/** Days from A to B, both included. @throws UsageError where the range runs backwards or is too long */
export function rangeNamed(from: BusinessDate, to: BusinessDate): BusinessDate[] {
  if (to < from) {
    throw new UsageError(`The range ends on ${to}, before it begins on ${from}`, {
      hint: 'Write the earlier day after --from, the later one after --to.',
    });
  }
  const days = daysBetween(from, to);
  if (days.length <= MOST_DAYS_OF_RANGE) return days;
  throw new UsageError(
    `From ${from} to ${to} are ${count(days.length)} days; one command takes ${count(MOST_DAYS_OF_RANGE)}`,
    {
      hint: 'Ask for a shorter range.',
    },
  );
}

/** Those of the days that are business dates of the dataset: a monthly one has the first of each month (§1). */
export function datesOf(dataset: Dataset, days: readonly BusinessDate[]): BusinessDate[] {
  return days.filter((day) => isDateOf(dataset, day));
}
