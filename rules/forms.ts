import { isCalendarDay } from './business-date.ts';

/** Why a cell cannot be trusted. */
export class Rejection {
  readonly rule: string;
  readonly reason: string;
  constructor(rule: string, reason: string) {
    this.rule = rule;
    this.reason = reason;
  }
}

/** What a column's values are, as plain data: it crosses into a thread, and makes the same column there. */
export type Form =
  | { readonly is: 'text'; readonly max: number; readonly like: RegExp | undefined }
  | { readonly is: 'oneOf'; readonly codes: readonly string[] }
  | { readonly is: 'integer' | 'double'; readonly min: number; readonly max: number }
  | { readonly is: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly is: 'bigint' | 'boolean' | 'date' | 'timestamp' | 'clockTime' };

/** From the source's text to PostgreSQL's, or the rule that it breaks. */
export type Parser = (text: string) => string | Rejection;

/** The PostgreSQL type, as `format_type` prints it. */
export function typeOf(form: Form): string {
  switch (form.is) {
    case 'text':
    case 'oneOf':
      return 'text';
    case 'integer':
    case 'clockTime':
      return 'integer';
    case 'decimal':
      return `numeric(${form.precision},${form.scale})`;
    case 'double':
      return 'double precision';
    case 'timestamp':
      return 'timestamp with time zone';
    case 'bigint':
    case 'boolean':
    case 'date':
      return form.is;
    default:
      return unknownForm(form);
  }
}

export function parserOf(form: Form): Parser {
  switch (form.is) {
    case 'text':
      return textParser(form.max, form.like);
    case 'oneOf':
      return codeParser(form.codes);
    case 'integer':
      return integerParser(form.min, form.max);
    case 'double':
      return doubleParser(form.min, form.max);
    case 'decimal':
      return decimalParser(form.precision, form.scale);
    case 'bigint':
      return parseBigint;
    case 'boolean':
      return parseBoolean;
    case 'date':
      return parseDate;
    case 'timestamp':
      return parseTimestamp;
    case 'clockTime':
      return parseClockTime;
    default:
      return unknownForm(form);
  }
}

/** Does not compile where a form was forgotten. */
export function unknownForm(form: never): never {
  throw new Error(`There is no such form: ${JSON.stringify(form)}`);
}

/** PostgreSQL cannot store NUL, and U+FFFD is what a wrong decoding leaves behind. */
function textParser(max: number, like: RegExp | undefined): Parser {
  const form = like && new RegExp(`^(?:${like.source})$`, like.flags.replaceAll(/[gy]/g, '')); // g and y remember
  return (value) => {
    if (value.includes('\0')) return new Rejection('nul-character', 'holds a NUL character');
    if (value.includes('\uFFFD')) return BAD_ENCODING;
    if (value.length > max && [...value].length > max)
      return new Rejection('too-long', `is longer than ${max} characters`);
    if (!value.isWellFormed()) return new Rejection('bad-encoding', 'holds half a surrogate pair');
    return form && !form.test(value) ? new Rejection('bad-form', `is not like ${like?.source}`) : value;
  };
}

const BAD_ENCODING = new Rejection('bad-encoding', 'is not valid in the declared encoding');

function codeParser(codes: readonly string[]): Parser {
  const known = new Set(codes);
  return (value) => {
    if (known.has(value)) return value;
    if (value.includes('\uFFFD')) return BAD_ENCODING; // a code with an accent, sent as Latin-1
    return new Rejection('unknown-code', `is none of ${codes.join(', ')}`);
  };
}

function integerParser(min: number, max: number): Parser {
  return (value) => {
    if (!/^[+-]?\d{1,15}$/.test(value)) return new Rejection('not-an-integer', 'is not a whole number');
    const number = Number(value);
    if (number < min || number > max) return new Rejection('out-of-range', `is not from ${min} to ${max}`);
    return String(number === 0 ? 0 : number);
  };
}

const BIGINT_LIMIT = 2n ** 63n;

function parseBigint(value: string): string | Rejection {
  if (!/^[+-]?\d{1,19}$/.test(value)) return new Rejection('not-an-integer', 'is not a whole number');
  const number = BigInt(value.replace('+', ''));
  return number < BIGINT_LIMIT && number >= -BIGINT_LIMIT
    ? number.toString()
    : new Rejection('out-of-range', 'does not fit 64 bits');
}

function decimalParser(precision: number, scale: number): Parser {
  const whole = precision - scale;
  return (value) => {
    const match = /^([+-]?)(\d{0,80})(?:\.(\d{0,80}))?$/.exec(value);
    if (!match || !/\d/.test(value)) return new Rejection('not-a-decimal', 'is not a decimal number');
    const [, sign, leading = '', fraction = ''] = match;
    const integral = leading.replace(/^0+/, '');
    const decimals = fraction.replace(/0+$/, '');
    if (decimals.length > scale) return new Rejection('too-precise', `has more than ${scale} decimals`);
    if (integral.length > whole)
      return new Rejection('out-of-range', `has more than ${whole} digits before the point`);
    const digits = `${integral || '0'}${scale > 0 ? `.${decimals.padEnd(scale, '0')}` : ''}`;
    return sign === '-' && /[1-9]/.test(digits) ? `-${digits}` : digits;
  };
}

function doubleParser(min: number, max: number): Parser {
  return (value) => {
    if (!/^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$/.test(value))
      return new Rejection('not-a-number', 'is not a number');
    const number = Number(value);
    return number >= min && number <= max
      ? printDouble(number)
      : new Rejection('out-of-range', `is not from ${min} to ${max}`);
  };
}

/** PostgreSQL turns to exponents below 1e-4 and from 1e15 on, JavaScript later; the shortest digits are the same. */
function printDouble(number: number): string {
  const [digits = '', exponent = ''] = number.toExponential().split('e');
  const power = Number(exponent);
  if (number === 0) return '0';
  if (power >= -4 && power < 15) return String(number);
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

const BOOLEANS = new Map(Object.entries({ true: 't', false: 'f', t: 't', f: 'f', '1': 't', '0': 'f' }));

function parseBoolean(value: string): string | Rejection {
  return BOOLEANS.get(value.toLowerCase()) ?? new Rejection('not-a-boolean', 'is not true or false');
}

function parseDate(value: string): string | Rejection {
  return isCalendarDay(value) ? value : new Rejection('not-a-date', 'is not a day YYYY-MM-DD');
}

const INSTANT =
  /^(\d{4}-\d{2}-\d{2})[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(?:\.(\d{1,6}))?)?(Z|[+-](?:0\d|1[0-5]):?[0-5]\d)$/;

function parseTimestamp(value: string): string | Rejection {
  const match = INSTANT.exec(value);
  if (!match || !isCalendarDay(match[1] as string))
    return new Rejection('not-a-timestamp', 'is not an ISO 8601 instant with an offset');
  const [, , , , fraction = '', offset = 'Z'] = match;
  const zone = offset === 'Z' || offset.includes(':') ? offset : `${offset.slice(0, 3)}:${offset.slice(3)}`;
  const seconds = match[3] ? value.slice(17, 19) : '00';
  const utc = new Date(`${match[1]}T${value.slice(11, 16)}:${seconds}${zone}`).toISOString();
  if (!isCalendarDay(utc.slice(0, 10)))
    return new Rejection('not-a-timestamp', 'lies outside the years 0001 to 9999');
  const decimals = fraction.replace(/0+$/, '');
  return `${utc.slice(0, 10)} ${utc.slice(11, 19)}${decimals && `.${decimals}`}+00`;
}

function parseClockTime(value: string): string | Rejection {
  if (!/^\d{1,4}$/.test(value)) return new Rejection('not-a-clock-time', 'is not HHMM');
  const number = Number(value);
  return number >= 1 && number <= 2400 && number % 100 < 60
    ? String(number)
    : new Rejection('not-a-clock-time', 'is not HHMM from 1 to 2400');
}
