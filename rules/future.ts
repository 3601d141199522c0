import { addDays, localDate, type BusinessDate } from './business-date.ts';

/**
 * Whether a business date is yet to come. A day is loaded once it is over, and somewhere on earth tomorrow has begun.
 * @param now ISO 8601
 */
export function isFuture(date: BusinessDate, now: string, timeZone = 'UTC'): boolean {
  return date > addDays(localDate(now, timeZone), 1);
}
