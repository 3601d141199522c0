import { CR, endOfText, LF, QUOTE } from './csv-records.ts';

/** Where a record ends, or that it has not, or where its quotes are broken. */
export type Scan =
  | { readonly is: 'whole'; readonly end: number; readonly next: number }
  | { readonly is: 'unfinished' }
  | { readonly is: 'broken'; readonly at: number; readonly insideQuotes: boolean };

export const UNFINISHED: Scan = { is: 'unfinished' };

/** Looks at the record that begins at `start`, field by field. @param atEnd no bytes come after these */
export function scanFields(bytes: Buffer, start: number, delimiter: number, atEnd: boolean): Scan {
  for (let at = start; ;) {
    const field =
      bytes[at] === QUOTE
        ? quotedField(bytes, at, delimiter, atEnd)
        : plainField(bytes, at, delimiter, atEnd);
    if (typeof field !== 'number') return field;
    at = field;
  }
}

/** A record that a newline ends. */
export function wholeAt(bytes: Buffer, start: number, newline: number): Scan {
  return { is: 'whole', end: endOfText(bytes, start, newline), next: newline + 1 };
}

/** Where the next field begins, or how the record ends. */
function plainField(bytes: Buffer, start: number, delimiter: number, atEnd: boolean): number | Scan {
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === delimiter) return at + 1;
    if (byte === LF) return wholeAt(bytes, start, at);
    if (byte === QUOTE) return { is: 'broken', at, insideQuotes: false };
  }
  return atEnd ? { is: 'whole', end: bytes.length, next: bytes.length } : UNFINISHED;
}

function quotedField(bytes: Buffer, start: number, delimiter: number, atEnd: boolean): number | Scan {
  for (let at = start + 1; ; at += 2) {
    at = bytes.indexOf(QUOTE, at);
    // The file ends inside the field: all its lines, to the last, are broken.
    if (at === -1) return atEnd ? { is: 'broken', at: bytes.length - 1, insideQuotes: true } : UNFINISHED;
    const after = bytes[at + 1];
    if (after === QUOTE) continue;
    if (after === delimiter) return at + 2;
    if (after === LF) return { is: 'whole', end: at + 1, next: at + 2 };
    if (after === undefined) return atEnd ? { is: 'whole', end: at + 1, next: at + 1 } : UNFINISHED;
    if (after === CR && bytes[at + 2] === LF) return { is: 'whole', end: at + 1, next: at + 3 };
    // Also where the LF has yet to come: nothing is broken before its line is there to its end.
    return { is: 'broken', at, insideQuotes: true };
  }
}
