import { isCalendarDay } from '../rules/business-date.ts';
import { dayNumber, digitsAt, latin1, MINUS } from './ascii.ts';
import type { CopyRows, Encode } from './copy-rows.ts';

const PLUS = 43;
const POINT = 46;
const ZERO = 48;
const COLON = 58;
const BLANK = 32;
const T = 84;
const Z = 90;

const DAY_BYTES = 10; // YYYY-MM-DD
const SECOND_BYTES = 19; // YYYY-MM-DDTHH:MM:SS

/** Where another day in UTC could lie outside the years 0001 to 9999. */
const FIRST_DAY = -730_119;
const LAST_DAY = 2_921_939;

/** How long the offset at a text's end is, and minutes east of UTC; undefined where it is written in another way. */
type ReadOffset = (bytes: Uint8Array, start: number, end: number) => Offset | undefined;
interface Offset {
  readonly bytes: number;
  readonly minutes: number;
}

/** As PostgreSQL prints instants in UTC. */
export function printedInstantEncoder(): Encode {
  return instantEncoder((bytes, start, end) => {
    const zone = [bytes[end - 3], bytes[end - 2], bytes[end - 1]];
    return end - start > 3 && zone[0] === PLUS && zone[1] === ZERO && zone[2] === ZERO ? PRINTED : undefined;
  });
}

/** As sources write them, with seconds: `Z` or `±HH:MM` at the end. */
export function sourceInstantEncoder(): Encode {
  return instantEncoder((bytes, start, end) => {
    if (bytes[end - 1] === Z) return UTC;
    if (end - start < 6 || bytes[end - 3] !== COLON) return undefined;
    const [hours, minutes] = [digitsAt(bytes, end - 5, end - 3), digitsAt(bytes, end - 2, end)];
    const sign = bytes[end - 6];
    if (hours < 0 || hours > 15 || minutes < 0 || minutes > 59) return undefined;
    if (sign !== PLUS && sign !== MINUS) return undefined;
    return { bytes: 6, minutes: (hours * 60 + minutes) * (sign === PLUS ? 1 : -1) };
  });
}

const UTC: Offset = { bytes: 1, minutes: 0 };
const PRINTED: Offset = { bytes: 3, minutes: 0 };

/** 64 bits of microseconds since 2000-01-01 in UTC. */
function instantEncoder(readOffset: ReadOffset): Encode {
  const days = new DayMemory();
  return (bytes, start, end, out) => {
    const offset = readOffset(bytes, start, end);
    if (!offset) return false;
    const micros = microsOfDay(bytes, start, end - offset.bytes);
    const day = micros === -1 ? undefined : days.numberOf(bytes, start);
    if (day === undefined) return false;
    if (offset.minutes !== 0 && (day <= FIRST_DAY || day >= LAST_DAY)) return false;
    appendMicros(day, micros - offset.minutes * 60_000_000, out);
    return true;
  };
}

/** Of the clock time after the day; -1 where it is no plain one. */
function microsOfDay(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < SECOND_BYTES) return -1;
  const separator = bytes[start + DAY_BYTES];
  if (separator !== T && separator !== BLANK) return -1;
  if (bytes[start + 13] !== COLON || bytes[start + 16] !== COLON) return -1;
  const hours = digitsAt(bytes, start + 11, start + 13);
  const minutes = digitsAt(bytes, start + 14, start + 16);
  const seconds = digitsAt(bytes, start + 17, start + SECOND_BYTES);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59) return -1;
  const fraction = fractionMicros(bytes, start + SECOND_BYTES, end);
  return fraction === -1 ? -1 : ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + fraction;
}

function fractionMicros(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return 0;
  const digits = end - start - 1;
  if (bytes[start] !== POINT || digits < 1 || digits > 6) return -1;
  const fraction = digitsAt(bytes, start + 1, end);
  return fraction === -1 ? -1 : fraction * 10 ** (6 - digits);
}

const TWO_32 = 4_294_967_296;
/** A day's microseconds are 20 * 2^32 and these: doubles are exact up to 2^53, which the year 2285 passes. */
const DAY_REST = 500_654_080;

function appendMicros(day: number, micros: number, out: CopyRows): void {
  const lower = day * DAY_REST + micros;
  const carried = Math.floor(lower / TWO_32);
  out.int32(8);
  out.int64(day * 20 + carried, lower - carried * TWO_32);
}

/** Instants that follow each other are mostly of one day. */
class DayMemory {
  readonly #text = new Uint8Array(DAY_BYTES);
  #number: number | undefined;

  /** Undefined where the calendar has no such day. */
  numberOf(bytes: Uint8Array, start: number): number | undefined {
    for (let at = 0; at < DAY_BYTES; at++) {
      if (this.#text[at] === bytes[start + at]) continue;
      this.#text.set(bytes.subarray(start, start + DAY_BYTES));
      const isDay = isCalendarDay(latin1(bytes, start, start + DAY_BYTES));
      this.#number = isDay ? dayNumber(bytes, start) : undefined;
      break;
    }
    return this.#number;
  }
}
