import { isCalendarDay } from './business-date.ts';

/**
 * The column types that a dataset declares. A column turns a cell of the source into the text that PostgreSQL
 * prints for the value, or names the rule that the cell breaks. Pure: no clock, no I/O.
 */

/** Why a cell cannot be trusted. */
export class Rejection {
  readonly rule: string;
  readonly reason: string;
  constructor(rule: string, reason: string) {
    this.rule = rule;
    this.reason = reason;
  }
}

/** Where a value must exist in the warehouse: checked by SQL inside the load transaction (§5, references). */
export interface Reference {
  readonly table: string;
  readonly column: string;
}

interface Refinement {
  readonly missingRule?: string | undefined;
  readonly isPersonal?: boolean | undefined;
  readonly reference?: Reference | undefined;
  readonly sourceName?: string | undefined;
}

/** What may be said of any column. Immutable: each refinement returns a new column. */
export class Column {
  /** The PostgreSQL type, as `format_type` prints it. */
  readonly type: string;
  /** The rule that a missing value breaks; undefined where a value may be missing. */
  readonly missingRule: string | undefined;
  /** Masked wherever rows are shown (R17). */
  readonly isPersonal: boolean;
  readonly reference: Reference | undefined;
  /** The source's name for it, where that is not the column's own. */
  readonly sourceName: string | undefined;
  /** From the source's text to PostgreSQL's, or the rule that it breaks. Never called for a missing value. */
  readonly parse: (text: string) => string | Rejection;

  constructor(type: string, parse: (text: string) => string | Rejection, more: Refinement = {}) {
    this.type = type;
    this.parse = parse;
    this.missingRule = more.missingRule;
    this.isPersonal = more.isPersonal ?? false;
    this.reference = more.reference;
    this.sourceName = more.sourceName;
  }

  /** A row without this value is rejected under `rule`. */
  orReject(rule = 'missing-value'): Column {
    return this.with({ missingRule: rule });
  }

  /** Masked wherever rows are shown (R17). */
  personal(): Column {
    return this.with({ isPersonal: true });
  }

  /** The value must exist in `warehouse.<table>.<column>` when the day is published; orphans are rejected (§5). */
  references(table: string, column: string): Column {
    return this.with({ reference: { table, column } });
  }

  /** The source calls it `sourceName`: a header cell or a JSON property. */
  from(sourceName: string): Column {
    return this.with({ sourceName });
  }

  private with(change: Refinement): Column {
    const { missingRule, isPersonal, reference, sourceName } = this;
    return new Column(this.type, this.parse, { missingRule, isPersonal, reference, sourceName, ...change });
  }
}

/**
 * Text of at most `max` characters. PostgreSQL cannot store NUL, and U+FFFD is what a wrong decoding leaves behind.
 * @param like what the whole text must look like, e.g. `/AG_\d{3}/`
 */
export function text({ max = 10_000, like }: { max?: number; like?: RegExp } = {}): Column {
  const form = like && new RegExp(`^(?:${like.source})$`, like.flags.replaceAll(/[gy]/g, '')); // g and y remember
  return new Column('text', (value) => {
    if (value.includes('\0')) return new Rejection('nul-character', 'holds a NUL character');
    if (value.includes('\uFFFD')) return BAD_ENCODING;
    if (value.length > max && [...value].length > max)
      return new Rejection('too-long', `is longer than ${max} characters`);
    if (!value.isWellFormed()) return new Rejection('bad-encoding', 'holds half a surrogate pair');
    return form && !form.test(value) ? new Rejection('bad-form', `is not like ${like?.source}`) : value;
  });
}

const BAD_ENCODING = new Rejection('bad-encoding', 'is not valid in the declared encoding');

/** One of a closed list of codes. */
export function oneOf(...codes: string[]): Column {
  const known = new Set(codes);
  return new Column('text', (value) => {
    if (known.has(value)) return value;
    if (value.includes('\uFFFD')) return BAD_ENCODING; // a code with an accent, sent as Latin-1
    return new Rejection('unknown-code', `is none of ${codes.join(', ')}`);
  });
}

/** A whole number within PostgreSQL's integer (4 bytes) unless bounds are given. */
export function integer({ min = -2_147_483_648, max = 2_147_483_647 } = {}): Column {
  return new Column('integer', (value) => {
    if (!/^[+-]?\d{1,15}$/.test(value)) return new Rejection('not-an-integer', 'is not a whole number');
    const number = Number(value);
    if (number < min || number > max) return new Rejection('out-of-range', `is not from ${min} to ${max}`);
    return String(number === 0 ? 0 : number);
  });
}

/** A whole number within PostgreSQL's bigint (8 bytes). */
export function bigint(): Column {
  const limit = 2n ** 63n;
  return new Column('bigint', (value) => {
    if (!/^[+-]?\d{1,19}$/.test(value)) return new Rejection('not-an-integer', 'is not a whole number');
    const number = BigInt(value.replace('+', ''));
    return number < limit && number >= -limit
      ? number.toString()
      : new Rejection('out-of-range', 'does not fit 64 bits');
  });
}

/** An exact decimal number; one with more decimals than `scale` is rejected, never rounded. */
export function decimal({ precision, scale }: { precision: number; scale: number }): Column {
  const whole = precision - scale;
  return new Column(`numeric(${precision},${scale})`, (value) => {
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
  });
}

/** A double: for measurements such as coordinates, never for money. */
export function double({ min = -Number.MAX_VALUE, max = Number.MAX_VALUE } = {}): Column {
  return new Column('double precision', (value) => {
    if (!/^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$/.test(value))
      return new Rejection('not-a-number', 'is not a number');
    const number = Number(value);
    return number >= min && number <= max
      ? printDouble(number)
      : new Rejection('out-of-range', `is not from ${min} to ${max}`);
  });
}

/** PostgreSQL turns to exponents below 1e-4 and from 1e15 on, JavaScript later; the shortest digits are the same. */
function printDouble(number: number): string {
  const [digits = '', exponent = ''] = number.toExponential().split('e');
  const power = Number(exponent);
  if (number === 0) return '0';
  if (power >= -4 && power < 15) return String(number);
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

/** `true` or `false`, also `t`, `f`, `1`, `0`, in any case. */
export function boolean(): Column {
  const known = new Map(Object.entries({ true: 't', false: 'f', t: 't', f: 'f', '1': 't', '0': 'f' }));
  return new Column(
    'boolean',
    (value) => known.get(value.toLowerCase()) ?? new Rejection('not-a-boolean', 'is not true or false'),
  );
}

/** A calendar day `YYYY-MM-DD`. */
export function date(): Column {
  return new Column('date', (value) =>
    isCalendarDay(value) ? value : new Rejection('not-a-date', 'is not a day YYYY-MM-DD'),
  );
}

/** An instant, ISO 8601 with an offset or `Z` (R18); stored in UTC, microseconds kept. */
export function timestamp(): Column {
  const pattern =
    /^(\d{4}-\d{2}-\d{2})[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(?:\.(\d{1,6}))?)?(Z|[+-](?:0\d|1[0-5]):?[0-5]\d)$/;
  return new Column('timestamp with time zone', (value) => {
    const match = pattern.exec(value);
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
  });
}

/** A local clock time written HHMM without leading zeros, from 1 to 2400 (2400 is midnight); stored as that integer. */
export function clockTime(): Column {
  return new Column('integer', (value) => {
    if (!/^\d{1,4}$/.test(value)) return new Rejection('not-a-clock-time', 'is not HHMM');
    const number = Number(value);
    return number >= 1 && number <= 2400 && number % 100 < 60
      ? String(number)
      : new Rejection('not-a-clock-time', 'is not HHMM from 1 to 2400');
  });
}
