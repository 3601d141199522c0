/** What the bytes of plain figures spell, without a string being made of them. */

export const MINUS = 45;
export const ZERO = 48;
export const NINE = 57;

/** The number that these digits are, 15 at most; -1 where one is none. */
export function digitsAt(bytes: Uint8Array, start: number, end: number): number {
  let number = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte < ZERO || byte > NINE) return -1;
    number = number * 10 + (byte - ZERO);
  }
  return number;
}

/** Days from 2000-01-01 to the day that stands there as `YYYY-MM-DD`, one that the calendar has. */
export function dayNumber(bytes: Uint8Array, start: number): number {
  const year = digitsAt(bytes, start, start + 4);
  const month = digitsAt(bytes, start + 5, start + 7);
  const day = digitsAt(bytes, start + 8, start + 10);
  return daysSince2000(year, month, day);
}

/** In the proleptic Gregorian calendar, as PostgreSQL counts: of years that begin in March the leap day is the last. */
export function daysSince2000(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  return 365 * marchYear + leapDays + dayOfYear - 730_425; // which is 2000-01-01
}

export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}
