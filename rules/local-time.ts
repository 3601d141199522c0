import type { BusinessDate } from './business-date.ts';

/**
 * The instants at which the clock of a zone shows `time` (`HH:MM`) on `date`, milliseconds since the epoch:
 * one as a rule, none inside a spring change, two inside an autumn one.
 */
export function instantsOf(date: BusinessDate, time: string, timeZone: string): number[] {
  const asUtc = Date.parse(`${date}T${time}:00Z`);
  const offsets = new Set([-1, 0, 1].map((days) => offsetMs(asUtc + days * 86_400_000, timeZone)));
  return [...offsets]
    .map((offset) => asUtc - offset)
    .filter((instant) => instant + offsetMs(instant, timeZone) === asUtc)
    .sort((a, b) => a - b);
}

/** A clock a zone: to make one takes longer than all else here. */
const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone);
  if (known) return known;
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  clocks.set(timeZone, clock);
  return clock;
}

/** How far the zone's clock is ahead of UTC at an instant, milliseconds. */
function offsetMs(instant: number, timeZone: string): number {
  const part = Object.fromEntries(
    clockOf(timeZone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1000) * 1000;
}
