import type { Column } from '../rules/columns.ts';
import type { Dataset } from '../rules/dataset.ts';
import type { Values } from './validate.ts';

/** What the sound rows of a check have in one column. */
export interface ColumnFigures {
  readonly column: string;
  readonly type: string;
  readonly missing: number;
  /** As PostgreSQL prints them, texts in the order of their code units; null where no row has a value. */
  readonly min: string | null;
  readonly max: string | null;
  /** Of numbers, exact but for double precision; null for every other type. */
  readonly sum: string | null;
}

const LONGEST_SHOWN = 60;
const MASK = '***';

/** Gathers ranges and sums over any number of files. Memory does not grow with the rows. */
export class FigureGatherer {
  readonly #columns: readonly Gathering[];

  constructor({ columns }: Pick<Dataset, 'columns'>) {
    this.#columns = Object.entries(columns).map(([name, column]) => new Gathering(name, column));
  }

  add(values: Values): void {
    for (const [index, column] of this.#columns.entries()) column.add(values[index] ?? null);
  }

  /** Those of personal columns are masked (R17). */
  figures(): ColumnFigures[] {
    return this.#columns.map((column) => column.figures());
  }
}

class Gathering {
  readonly #name: string;
  readonly #column: Column;
  readonly #measure: Measure;
  #missing = 0;

  constructor(name: string, column: Column) {
    this.#name = name;
    this.#column = column;
    this.#measure = measureOf(column.type);
  }

  add(value: string | null): void {
    if (value === null) this.#missing++;
    else this.#measure.add(value);
  }

  figures(): ColumnFigures {
    const { type, isPersonal } = this.#column;
    const shown = (text: string | null) => {
      if (text === null) return null;
      if (isPersonal) return MASK;
      return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
    };
    const { min, max, sum } = this.#measure.range();
    return {
      column: this.#name,
      type,
      missing: this.#missing,
      min: shown(min),
      max: shown(max),
      sum: shown(sum),
    };
  }
}

type Range = Pick<ColumnFigures, 'min' | 'max' | 'sum'>;

/** Values as a column prints them go in, the range and the sum come out. */
interface Measure {
  add(value: string): void;
  range(): Range;
}

function measureOf(type: string): Measure {
  const decimals = /^numeric\(\d+,(\d+)\)$/.exec(type)?.[1];
  if (decimals !== undefined) return new Exact(Number(decimals));
  if (type === 'integer' || type === 'bigint') return new Exact(0);
  return type === 'double precision' ? new Floating() : new Ordered();
}

/** Whole numbers and decimals of one scale, as whole numbers of the smallest unit. */
class Exact implements Measure {
  readonly #scale: number;
  #min: bigint | undefined;
  #max: bigint | undefined;
  #sum = 0n;

  constructor(scale: number) {
    this.#scale = scale;
  }

  add(value: string): void {
    const units = BigInt(this.#scale === 0 ? value : value.replace('.', ''));
    if (this.#min === undefined || units < this.#min) this.#min = units;
    if (this.#max === undefined || units > this.#max) this.#max = units;
    this.#sum += units;
  }

  range(): Range {
    if (this.#min === undefined || this.#max === undefined) return { min: null, max: null, sum: null };
    return { min: this.#print(this.#min), max: this.#print(this.#max), sum: this.#print(this.#sum) };
  }

  #print(units: bigint): string {
    const digits = String(units < 0n ? -units : units).padStart(this.#scale + 1, '0');
    const whole = digits.slice(0, digits.length - this.#scale);
    const fraction = digits.slice(digits.length - this.#scale);
    return `${units < 0n ? '-' : ''}${whole}${fraction && `.${fraction}`}`;
  }
}

class Floating implements Measure {
  #min = Infinity;
  #max = -Infinity;
  #sum = 0;

  add(value: string): void {
    const number = Number(value);
    this.#min = Math.min(this.#min, number);
    this.#max = Math.max(this.#max, number);
    this.#sum += number;
  }

  range(): Range {
    if (this.#min > this.#max) return { min: null, max: null, sum: null };
    return { min: String(this.#min), max: String(this.#max), sum: String(this.#sum) };
  }
}

/** Texts, days and instants: as columns print them, their code units are in the order of their values. */
class Ordered implements Measure {
  #min: string | null = null;
  #max: string | null = null;

  add(value: string): void {
    if (this.#min === null || value < this.#min) this.#min = value;
    if (this.#max === null || value > this.#max) this.#max = value;
  }

  range(): Range {
    return { min: this.#min, max: this.#max, sum: null };
  }
}
