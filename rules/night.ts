import { addDays, businessDateOfNight, localDate, type BusinessDate } from './business-date.ts';
import type { Schedule } from './dataset.ts';
import { instantsOf } from './local-time.ts';

/** One night of a schedule. */
export interface Night {
  readonly businessDate: BusinessDate;
  /** When the day must be in the warehouse, ISO 8601 in UTC (R12). */
  readonly dueAt: string;
}

/** The night that a schedule's slot stands for. @param scheduledAt the slot, ISO 8601; never the clock's time */
export function nightOf({ at, dueBy, cadence, timeZone }: Schedule, scheduledAt: string): Night {
  const day = localDate(scheduledAt, timeZone);
  const dueDay = dueBy > at ? day : addDays(day, 1);
  const [due] = instantsOf(dueDay, dueBy, timeZone);
  return {
    businessDate: businessDateOfNight(scheduledAt, cadence, timeZone),
    dueAt: new Date(due ?? Date.parse(scheduledAt)).toISOString(),
  };
}

/** The latest business date that a schedule owes at an instant: what `run` loads by default (§6). */
export function latestOwed({ at, cadence, timeZone }: Schedule, now: string): BusinessDate {
  const today = localDate(now, timeZone);
  const [slot] = instantsOf(today, at, timeZone);
  const lastSlotDay = slot !== undefined && slot <= Date.parse(now) ? today : addDays(today, -1);
  return businessDateOfNight(`${lastSlotDay}T12:00:00Z`, cadence, 'UTC');
}
