import { ConfigurationError } from './errors.ts';
import { parserOf, typeOf, type Form, type Parser, type Rejection } from './forms.ts';

export { Rejection } from './forms.ts';

/**
 * The column types that a dataset declares. A column turns a cell of the source into the text that PostgreSQL
 * prints for the value, or names the rule that the cell breaks. Pure: no clock, no I/O.
 */

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
  readonly form: Form;
  /** The PostgreSQL type, as `format_type` prints it. */
  readonly type: string;
  /** The rule that a missing value breaks; undefined where a value may be missing. */
  readonly missingRule: string | undefined;
  /** Masked wherever rows are shown (R17). */
  readonly isPersonal: boolean;
  readonly reference: Reference | undefined;
  /** The source's name for it, where that is not the column's own. */
  readonly sourceName: string | undefined;
  readonly #parser: Parser;

  constructor(form: Form, more: Refinement = {}) {
    this.form = form;
    this.type = typeOf(form);
    this.missingRule = more.missingRule;
    this.isPersonal = more.isPersonal ?? false;
    this.reference = more.reference;
    this.sourceName = more.sourceName;
    this.#parser = parserOf(form);
  }

  /** From the source's text to PostgreSQL's, or the rule that it breaks. Never called for a missing value. */
  parse(text: string): string | Rejection {
    return this.#parser(text);
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
    return new Column(this.form, { missingRule, isPersonal, reference, sourceName, ...change });
  }
}

/**
 * Text of at most `max` characters.
 * @param like what the whole text must look like, e.g. `/AG_\d{3}/`
 */
export function text({ max = 10_000, like }: { max?: number; like?: RegExp } = {}): Column {
  return new Column({ is: 'text', max, like });
}

/** One of a closed list of codes. */
export function oneOf(...codes: string[]): Column {
  return new Column({ is: 'oneOf', codes });
}

const LEAST_INTEGER = -2_147_483_648;
const GREATEST_INTEGER = 2_147_483_647;

/** A whole number within PostgreSQL's integer (4 bytes), or within bounds that are narrower. */
export function integer({ min = LEAST_INTEGER, max = GREATEST_INTEGER } = {}): Column {
  if (min < LEAST_INTEGER || max > GREATEST_INTEGER) {
    throw new ConfigurationError(`An integer from ${min} to ${max} does not fit PostgreSQL's 4 bytes`, {
      hint: 'Declare it as bigint().',
    });
  }
  return new Column({ is: 'integer', min, max });
}

/** A whole number within PostgreSQL's bigint (8 bytes). */
export function bigint(): Column {
  return new Column({ is: 'bigint' });
}

/** An exact decimal number; one with more decimals than `scale` is rejected, never rounded. */
export function decimal({ precision, scale }: { precision: number; scale: number }): Column {
  return new Column({ is: 'decimal', precision, scale });
}

/** A double: for measurements such as coordinates, never for money. */
export function double({ min = -Number.MAX_VALUE, max = Number.MAX_VALUE } = {}): Column {
  return new Column({ is: 'double', min, max });
}

/** `true` or `false`, also `t`, `f`, `1`, `0`, in any case. */
export function boolean(): Column {
  return new Column({ is: 'boolean' });
}

/** A calendar day `YYYY-MM-DD`. */
export function date(): Column {
  return new Column({ is: 'date' });
}

/** An instant, ISO 8601 with an offset or `Z` (R18); stored in UTC, microseconds kept. */
export function timestamp(): Column {
  return new Column({ is: 'timestamp' });
}

/** A local clock time written HHMM without leading zeros, from 1 to 2400 (2400 is midnight); stored as that integer. */
export function clockTime(): Column {
  return new Column({ is: 'clockTime' });
}
