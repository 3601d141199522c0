/** A calendar day `YYYY-MM-DD`: the day that the data is about, never the day on which it is loaded (R18). */
export type BusinessDate = string & { readonly __businessDate: unique symbol };

const PATTERN = /^(\d{4})-(\d{2})-(\d{2})$/;
const DAY_MS = 86_400_000;

/** The day, or `undefined` where the text is not one that the calendar has (`2013-02-30`, `2013-2-1`). */
export function parseBusinessDate(text: string): BusinessDate | undefined {
  if (!isCalendarDay(text)) return undefined;
  return text as BusinessDate;
}

/** Whether the text is a day `YYYY-MM-DD` that the calendar has. */
export function isCalendarDay(text: string): boolean {
  const match = PATTERN.exec(text);
  if (!match) return false;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return day <= (month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31);
}

/** The day `days` later; earlier where negative. */
export function addDays(date: BusinessDate, days: number): BusinessDate {
  return toBusinessDate(toUtcMs(date) + days * DAY_MS);
}

/** Every day from `from` to `to`, both included; none where `to` lies before `from`. */
export function daysBetween(from: BusinessDate, to: BusinessDate): BusinessDate[] {
  const days: BusinessDate[] = [];
  for (let ms = toUtcMs(from); ms <= toUtcMs(to); ms += DAY_MS) days.push(toBusinessDate(ms));
  return days;
}

/** The first day of the month that `date` lies in: the business date of a monthly dataset. */
export function firstOfMonth(date: BusinessDate): BusinessDate {
  return `${date.slice(0, 7)}-01` as BusinessDate;
}

/** How often a dataset is due. */
export type Cadence = 'daily' | 'monthly';

/**
 * The day that a night is about: the calendar day before the scheduled one in the dataset's zone,
 * or the first of the month before for a monthly dataset (§1).
 * @param scheduledAt the slot that the schedule fired for, ISO 8601 with an offset; never the time of the clock (R12)
 */
export function businessDateOfNight(scheduledAt: string, cadence: Cadence, timeZone: string): BusinessDate {
  const local = localDate(scheduledAt, timeZone);
  return cadence === 'daily' ? addDays(local, -1) : firstOfMonth(addDays(firstOfMonth(local), -1));
}

/** The calendar day of an instant in a zone of the IANA database. */
export function localDate(instant: string, timeZone: string): BusinessDate {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  return parts.format(new Date(instant)) as BusinessDate;
}

function toUtcMs(date: BusinessDate): number {
  return Date.parse(`${date}T00:00:00Z`);
}

function toBusinessDate(ms: number): BusinessDate {
  return new Date(ms).toISOString().slice(0, 10) as BusinessDate;
}
