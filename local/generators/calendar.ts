import { addDays, daysBetween, firstOfMonth, type BusinessDate } from '../../rules/business-date.ts';

/** The day before the first that can be asked for: keys count days and months from there. */
export const BEFORE_ALL = '1999-12-31' as BusinessDate;

/** Days of the month that begins on the date. */
export function daysInMonth(month: BusinessDate): BusinessDate[] {
  return daysBetween(month, addDays(firstOfMonth(addDays(month, 31)), -1));
}

/** Months since 1999, from 1 on. */
export function monthsSince1999(date: BusinessDate): number {
  const [year = 0, month = 0] = date.split('-').map(Number);
  return (year - 2000) * 12 + month;
}

/** Days since 1999, from 1 on. */
export function daysSince1999(date: BusinessDate): number {
  return (Date.parse(date) - Date.parse(BEFORE_ALL)) / 86_400_000;
}
