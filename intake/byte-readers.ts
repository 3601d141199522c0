import { isUtf8 } from 'node:buffer';
import type { Column } from '../rules/columns.ts';
import { Rejection, unknownForm } from '../rules/forms.ts';
import { encodeBigint, encodeInteger, encodeText, encoderOf, roomFor } from './copy-fields.ts';
import { sourceInstantEncoder } from './copy-instant.ts';
import type { Encode } from './copy-rows.ts';
import { remembering } from './known-values.ts';

/**
 * Reads a column's plain values from the bytes of their cells. It only ever accepts: what it turns away may be sound,
 * and is the column's own to judge. It knows the commonest spellings of numbers, instants and texts; any other value
 * goes to the column once, and is remembered.
 */
export function readerOf(column: Column): Encode {
  const { form } = column;
  switch (form.is) {
    case 'text':
      return form.like ? remembering(parsedBy(column)) : plainText(form.max);
    case 'integer':
      return integerFrom(form.min, form.max);
    case 'bigint':
      return encodeBigint;
    case 'decimal':
      return encoderOf(form);
    case 'timestamp':
      return sourceInstantEncoder();
    case 'oneOf':
    case 'double':
    case 'boolean':
    case 'date':
    case 'clockTime':
      return remembering(parsedBy(column));
    default:
      return unknownForm(form);
  }
}

/** What the column itself makes of the text. */
function parsedBy(column: Column): Encode {
  const encode = encoderOf(column.form);
  return (bytes, start, end, out) => {
    const value = column.parse(utf8(bytes, start, end));
    if (value instanceof Rejection) return false;
    const printed = Buffer.from(value);
    out.reserve(roomFor(printed.length));
    return encode(printed, 0, printed.length, out);
  };
}

function integerFrom(min: number, max: number): Encode {
  return (bytes, start, end, out) => {
    if (!encodeInteger(bytes, start, end, out)) return false;
    const value = out.int32At(out.at - 4);
    return value >= min && value <= max;
  };
}

const NUL = 0;
const BEYOND_ASCII = 0x80;
const REPLACEMENT = Buffer.from('\uFFFD');

/** No character has less than a byte: a text of at most `max` bytes is not too long. */
function plainText(max: number): Encode {
  return (bytes, start, end, out) => {
    if (end - start > max) return false;
    let isAscii = true;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte === NUL) return false;
      if (byte >= BEYOND_ASCII) isAscii = false;
    }
    return (isAscii || isSoundUtf8(bytes, start, end)) && encodeText(bytes, start, end, out);
  };
}

function isSoundUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
  return isUtf8(text) && !text.includes(REPLACEMENT);
}

export function utf8(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}
