import { addDays, daysBetween, firstOfMonth, type BusinessDate } from './business-date.ts';
import type { Schedule } from './dataset.ts';
import { instantsOf } from './local-time.ts';

/** How far back the sweep looks, in nights. */
const MOST_NIGHTS = 400;

/**
 * Business dates that a schedule owes and whose deadline has passed, the newest first (R12).
 * @param since the first date that the schedule owes
 * @param now milliseconds since the epoch
 */
export function datesDue(schedule: Schedule, since: BusinessDate, now: number): BusinessDate[] {
  const dates: BusinessDate[] = [];
  const today = new Date(now).toISOString().slice(0, 10) as BusinessDate;
  let date = schedule.cadence === 'monthly' ? firstOfMonth(today) : addDays(today, 1);
  for (let nights = 0; nights < MOST_NIGHTS && date >= since; nights++) {
    if (dueAt(schedule, date) <= now) dates.push(date);
    date = before(schedule, date);
  }
  return dates;
}

/** When a business date must be in the warehouse, milliseconds since the epoch. */
export function dueAt({ at, dueBy, cadence, timeZone }: Schedule, date: BusinessDate): number {
  const slotDay = cadence === 'monthly' ? firstOfMonth(addDays(date, 32)) : addDays(date, 1);
  const dueDay = dueBy > at ? slotDay : addDays(slotDay, 1);
  const [due] = instantsOf(dueDay, dueBy, timeZone);
  return due ?? Date.parse(`${dueDay}T${dueBy}:00Z`);
}

/** A time of a schedule that the clock of its zone never shows on some day, or shows twice. */
export interface InsideChange {
  readonly day: BusinessDate;
  readonly time: string;
  readonly shown: 'never' | 'twice';
}

/**
 * Where, on the local days from `from` on, a schedule's times lie inside a change of its zone's clock: a schedule must
 * keep out of those (R12).
 */
export function insideChanges(
  { at, dueBy, timeZone }: Schedule,
  from: BusinessDate,
  days: number,
): InsideChange[] {
  const inside: InsideChange[] = [];
  for (const day of daysBetween(from, addDays(from, days - 1))) {
    for (const time of new Set([at, dueBy])) {
      const shown = instantsOf(day, time, timeZone).length;
      if (shown !== 1) inside.push({ day, time, shown: shown === 0 ? 'never' : 'twice' });
    }
  }
  return inside;
}

function before({ cadence }: Schedule, date: BusinessDate): BusinessDate {
  return cadence === 'monthly' ? firstOfMonth(addDays(date, -1)) : addDays(date, -1);
}
