import { Rejection } from '../rules/columns.ts';

/** A double holds any decimal number of 15 digits, and not every one of 16. */
const SAFE_DIGITS = 15;

/** Stands before the text of a number that JSON.parse would have changed; no text column lets a NUL through. */
const MARK = '\0number:';

/**
 * JSON.parse that rounds nothing in silence: a number that a double may not hold comes back as a marked text, which
 * `markedNumber` knows and `jsonText` prints as it came.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  const value = JSON.parse(text) as unknown; // What is no JSON must not become JSON by being marked.
  // Few documents have so long a run of digits, or so great an exponent, at all.
  return /[\d.]{16}|\d[eE][+-]?\d{3}/.test(text) ? JSON.parse(markNumbers(text)) : value;
}

/** A parsed value's JSON text, with each number in the digits it had. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replaceAll(/"\\u0000number:([-+.\deE]+)"/g, '$1');
}

/** The number's text without an exponent, or why it cannot be trusted. */
export function numberCell(value: number): string | Rejection {
  const text = withoutExponent(String(value));
  return isExact(String(value)) ? text : tooPrecise(text);
}

/** Why a text of JSON is none: it stands for a number that a double may not hold. */
export function markedNumber(value: string): Rejection | undefined {
  return value.startsWith(MARK) ? tooPrecise(value.slice(MARK.length)) : undefined;
}

function tooPrecise(text: string): Rejection {
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return new Rejection('number-too-precise', `is the number ${shown}, which has to be sent as a text`);
}

/** No regular expression over the whole document: a long string overflows the stack of V8's. */
function markNumbers(text: string): string {
  const pieces: string[] = [];
  const number = /-?\d[\d.]*(?:[eE][+-]?\d+)?/y;
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 34) {
      at = endOfString(text, at);
    } else if (code === 45 || (code >= 48 && code <= 57)) {
      number.lastIndex = at;
      const token = number.exec(text)?.[0] ?? '';
      if (!isExact(token)) {
        pieces.push(text.slice(copied, at), JSON.stringify(MARK + token));
        copied = at + token.length;
      }
      at += token.length - 1;
    }
  }
  return pieces.join('') + text.slice(copied);
}

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 92) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
}

/** Whether a double holds just the number that the JSON token says. */
function isExact(token: string): boolean {
  const value = Number(token);
  const digits = token
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+|0+$/g, '');
  if (!Number.isFinite(value) || (value === 0 && digits !== '')) return false;
  if (/^-?\d+$/.test(token)) return Number.isSafeInteger(value);
  return digits.length <= SAFE_DIGITS && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

function withoutExponent(text: string): string {
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!match) return text;
  const [, sign, first = '', rest = '', exponent] = match;
  const digits = first + rest;
  const point = 1 + Number(exponent);
  return point <= 0 ? `${sign}0.${'0'.repeat(-point)}${digits}` : `${sign}${digits.padEnd(point, '0')}`;
}
