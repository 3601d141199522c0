import { isCalendarDay, type BusinessDate } from './business-date.ts';
import { UsageError } from './errors.ts';
import { instantsOf } from './local-time.ts';

/**
 * When a pause ends, ISO 8601 in UTC. A time without an offset is one of the zone's clock.
 * @param now ISO 8601
 * @throws UsageError where there is no such time, it is past, or the clock shows it twice
 */
export function pauseEnd(typed: string, timeZone: string, now: string): string {
  const end = new Date(instantOf(typed.trim(), timeZone)).toISOString();
  if (end > now) return end;
  throw new UsageError(`${end} is past already: a pause ends later than it begins`, {
    hint: `It is ${now} now.`,
  });
}

const FORM =
  /^(\d{4}-\d{2}-\d{2})[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d{1,3})?)?(Z|[+-]([01]\d|2[0-3]):?[0-5]\d)?$/i;

function instantOf(typed: string, timeZone: string): number {
  const [, date = '', hour, minute, second = '00', offset] = FORM.exec(typed) ?? [];
  if (!isCalendarDay(date)) {
    throw new UsageError(`'${typed}' is no time at which a pause could end`, {
      hint: 'Write it as 2026-11-22T05:00, on the clock of the dataset’s zone, or with an offset: 2026-11-22T05:00Z',
    });
  }
  if (offset !== undefined) return Date.parse(`${date}T${hour}:${minute}:${second}${withColon(offset)}`);
  const [instant, again] = instantsOf(date as BusinessDate, `${hour}:${minute}`, timeZone);
  if (instant !== undefined && again === undefined) return instant + Number(second) * 1000;
  throw new UsageError(
    `On ${date} the clock of ${timeZone} ${instant === undefined ? 'never shows' : 'shows twice'} ${hour}:${minute}`,
    { hint: `Write it with an offset: ${date}T${hour}:${minute}Z` },
  );
}

const withColon = (offset: string) => offset.toUpperCase().replace(/^([+-]\d{2}):?(\d{2})$/, '$1:$2');

/** What a paused schedule is noted to be paused for: Temporal keeps it, and whoever resumes it elsewhere takes it away. */
export function pauseNote(reason: string, until: string | undefined): string {
  return until === undefined ? reason : `${reason}, until ${until}`;
}

/** When the pause with this note ends by itself, ISO 8601 in UTC; undefined where somebody must resume it. */
export function endOfPause(note: string | undefined): string | undefined {
  const end = / until (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z)$/.exec(note ?? '')?.[1];
  return end !== undefined && !Number.isNaN(Date.parse(end)) ? end : undefined;
}
