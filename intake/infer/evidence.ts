import { boolean, date, Rejection, timestamp, type Column } from '../../rules/columns.ts';

/** Texts that exports write where they have no value. */
export const MISSING_TOKENS: ReadonlySet<string> = new Set(['NA', 'N/A', 'NULL', 'null', '\\N', '-']);

export type Kind = 'boolean' | 'integer' | 'bigint' | 'decimal' | 'double' | 'date' | 'timestamp' | 'text';

const accepts = (column: Column) => (value: string) => !(column.parse(value) instanceof Rejection);

/**
 * Which values speak for a type. Stricter than the columns themselves: what would be read and lose something, such
 * as leading zeros, a plus sign or an exponent that may be part of a code (`12E4`), speaks for text.
 */
const SPEAKS_FOR: Readonly<Record<Exclude<Kind, 'text'>, (value: string) => boolean>> = {
  boolean: (value) => value !== '0' && value !== '1' && accepts(boolean())(value),
  integer: (value) => /^(0|-?[1-9]\d{0,9})$/.test(value) && Math.abs(Number(value)) <= 1_000_000_000,
  bigint: (value) => /^(0|-?[1-9]\d{0,17})$/.test(value),
  decimal: (value) => /^-?(0|[1-9]\d{0,19})?(\.\d{1,20})?$/.test(value) && /\d/.test(value) && value !== '-0',
  double: (value) =>
    /^-?(0|[1-9]\d{0,19})?(\.\d{1,20}([eE][+-]?\d{1,2})?)?$/.test(value) &&
    /\d/.test(value) &&
    value !== '-0',
  date: accepts(date()),
  timestamp: accepts(timestamp()),
};

/** What the cells of one column have shown so far. Memory does not grow with them. */
export class Evidence {
  /** Cells with a value that is no missing token. */
  values = 0;
  empty = 0;
  longest = 0;
  /** Digits before and after the point, the most seen. */
  integral = 0;
  decimals = 0;
  /** How often each missing token occurred. */
  readonly tokens = new Map<string, number>();
  /** Values that look like something which the columns do not read; a person should know. */
  readonly looksLike = { decimalComma: 0, localTime: 0, otherDate: 0 };
  readonly #kinds = new Set(Object.keys(SPEAKS_FOR) as (keyof typeof SPEAKS_FOR)[]);
  readonly #booleans = new Set<string>();
  #notClock = 0;
  #largest = 0;

  add(cell: string | null): void {
    if (cell === null) {
      this.empty += 1;
    } else if (MISSING_TOKENS.has(cell)) {
      this.tokens.set(cell, (this.tokens.get(cell) ?? 0) + 1);
    } else {
      this.#learn(cell);
    }
  }

  #learn(value: string): void {
    this.values += 1;
    this.longest = Math.max(this.longest, value.length);
    for (const kind of this.#kinds) if (!SPEAKS_FOR[kind](value)) this.#kinds.delete(kind);
    if (this.#kinds.has('boolean')) this.#booleans.add(value.toLowerCase());
    if (this.#kinds.has('integer')) {
      const number = Number(value);
      if (number < 0 || number > 2400 || number % 100 > 59) this.#notClock += 1;
      this.#largest = Math.max(this.#largest, number);
    }
    if (this.#kinds.has('decimal')) {
      const point = value.indexOf('.');
      const integral = (point === -1 ? value : value.slice(0, point)).replace('-', '');
      this.integral = Math.max(this.integral, integral.length);
      this.decimals = Math.max(this.decimals, point === -1 ? 0 : value.length - point - 1);
    }
    if (this.#kinds.size === 0) this.#look(value);
  }

  #look(value: string): void {
    if (/^-?\d+,\d+$/.test(value)) this.looksLike.decimalComma += 1;
    if (/^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/.test(value)) this.looksLike.localTime += 1;
    if (/^(\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./]\d{2}[./]\d{2})$/.test(value))
      this.looksLike.otherDate += 1;
  }

  /** Whether every value is a clock time HHMM, and some are too large for hours alone. */
  looksLikeClock(): boolean {
    return this.#notClock === 0 && this.#largest > 100;
  }

  /** The narrowest type that every value speaks for. */
  kind(): Kind {
    if (this.values === 0) return 'text';
    const isBoolean = this.#booleans.size === 2 || this.#booleans.has('true') || this.#booleans.has('false');
    if (this.#kinds.has('boolean') && isBoolean) return 'boolean';
    const order = ['integer', 'bigint', 'decimal', 'double', 'date', 'timestamp'] as const;
    return order.find((kind) => this.#kinds.has(kind)) ?? 'text';
  }
}
