import { unknownForm, type Form } from '../rules/forms.ts';
import { dayNumber, digitsAt, latin1, MINUS, NINE, ZERO } from './ascii.ts';
import { printedInstantEncoder } from './copy-instant.ts';
import type { CopyRows, Encode } from './copy-rows.ts';

/** Room for a value whose text is that long. */
export const roomFor = (textBytes: number): number => textBytes + 32;

/** Encodes what a column of the form prints. */

export function encoderOf(form: Form): Encode {
  switch (form.is) {
    case 'text':
    case 'oneOf':
      return encodeText;
    case 'integer':
    case 'clockTime':
      return encodeInteger;
    case 'bigint':
      return encodeBigint;
    case 'decimal':
      return decimalEncoder(form.precision, form.scale);
    case 'double':
      return encodeDouble;
    case 'boolean':
      return encodeBoolean;
    case 'date':
      return encodeDate;
    case 'timestamp':
      return printedInstantEncoder();
    default:
      return unknownForm(form);
  }
}

const POINT = 46;

export function encodeText(bytes: Uint8Array, start: number, end: number, out: CopyRows): boolean {
  out.int32(end - start);
  out.copy(bytes, start, end);
  return true;
}

export function encodeInteger(bytes: Uint8Array, start: number, end: number, out: CopyRows): boolean {
  const isNegative = bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  if (end === first || end - first > 15) return false;
  const number = digitsAt(bytes, first, end);
  if (number === -1) return false;
  const value = isNegative ? -number : number;
  if (value < -2_147_483_648 || value > 2_147_483_647) return false;
  out.int32(4);
  out.int32(value);
  return true;
}

export function encodeBigint(bytes: Uint8Array, start: number, end: number, out: CopyRows): boolean {
  const isNegative = bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  const digits = end - first;
  if (digits < 1 || digits > 19) return false;
  out.int32(8);
  if (digits === 19) return encodeLongBigint(bytes, start, end, out);
  const middle = Math.max(first, end - 9);
  const [billions, rest] = [digitsAt(bytes, first, middle), digitsAt(bytes, middle, end)];
  if (billions === -1 || rest === -1) return false;
  // In doubles, which are exact up to 2^53: billions * 10^9 + rest by way of its lower 16 bits.
  const lower = (billions % 65_536) * 1e9 + rest;
  const upper = Math.floor(billions / 65_536) * 1e9 + Math.floor(lower / 65_536);
  const high = Math.floor(upper / 65_536);
  const low = (upper % 65_536) * 65_536 + (lower % 65_536);
  if (!isNegative) out.int64(high, low);
  else if (low === 0) out.int64(-high, 0);
  else out.int64(-high - 1, 4_294_967_296 - low);
  return true;
}

/** Only here may a number not fit. */
function encodeLongBigint(bytes: Uint8Array, start: number, end: number, out: CopyRows): boolean {
  const text = latin1(bytes, start, end);
  if (!/^-?\d+$/.test(text)) return false;
  const value = BigInt(text);
  if (value !== BigInt.asIntN(64, value)) return false;
  out.bigint64(value);
  return true;
}

const NEGATIVE = 0x4000;
/** Of the header: how many groups, the weight of the first, sign, decimals shown. */
const NUMERIC_HEADER = 8;
/** The form has as many on either side of the point, zeros at the ends included; what is longer goes the way of all. */
const MOST_DIGITS = 80;

/** A numeric is groups of four decimal digits, aligned at the point, without groups of zeros at either end. */
function decimalEncoder(precision: number, scale: number): Encode {
  const whole = precision - scale;
  return (bytes, start, end, out) => {
    const isNegative = bytes[start] === MINUS;
    let first = isNegative ? start + 1 : start;
    if (end - first > MOST_DIGITS) return false;
    let point = end;
    for (let at = first; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte === POINT && point === end) point = at;
      else if (byte < ZERO || byte > NINE) return false;
    }
    if (point === first || point === end - 1) return false;
    while (first < point && bytes[first] === ZERO) first++;
    while (end > point + 1 && bytes[end - 1] === ZERO) end--;
    if (point - first > whole || end - point - 1 > scale) return false;
    const field = out.at;
    out.at += 4 + NUMERIC_HEADER;
    const weight = appendGroups(bytes, first, point, end, out);
    while (out.at > field + 4 + NUMERIC_HEADER && out.int16At(out.at - 2) === 0) out.at -= 2;
    const groups = (out.at - field - 4 - NUMERIC_HEADER) / 2;
    out.setInt32(field, NUMERIC_HEADER + 2 * groups);
    out.setInt16(field + 4, groups);
    out.setInt16(field + 6, groups === 0 ? 0 : weight);
    out.setInt16(field + 8, isNegative && groups > 0 ? NEGATIVE : 0);
    out.setInt16(field + 10, scale);
    return true;
  };
}

/** The weight of the first group that was appended: the power of 10,000 that it counts. */
function appendGroups(bytes: Uint8Array, first: number, point: number, end: number, out: CopyRows): number {
  const begin = out.at;
  let weight = Math.ceil((point - first) / 4) - 1;
  let group = 0;
  for (let at = first; at < point; at++) {
    group = group * 10 + ((bytes[at] as number) - ZERO);
    if ((point - at - 1) % 4 !== 0) continue;
    out.int16(group);
    group = 0;
  }
  for (let at = point + 1; at < end || (at - point - 1) % 4 !== 0; at++) {
    group = group * 10 + (at < end ? (bytes[at] as number) - ZERO : 0);
    if ((at - point) % 4 !== 0) continue;
    if (out.at === begin && group === 0) weight--;
    else out.int16(group);
    group = 0;
  }
  return weight;
}

function encodeDouble(bytes: Uint8Array, start: number, end: number, out: CopyRows): boolean {
  out.int32(8);
  out.float64(Number(latin1(bytes, start, end)));
  return true;
}

const TRUE = 116; // t

function encodeBoolean(bytes: Uint8Array, start: number, _end: number, out: CopyRows): boolean {
  out.int32(1);
  out.byte(bytes[start] === TRUE ? 1 : 0);
  return true;
}

function encodeDate(bytes: Uint8Array, start: number, _end: number, out: CopyRows): boolean {
  out.int32(4);
  out.int32(dayNumber(bytes, start));
  return true;
}
