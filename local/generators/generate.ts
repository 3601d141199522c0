import { join } from 'node:path';
import { daysBetween, firstOfMonth, type BusinessDate, type Cadence } from '../../rules/business-date.ts';
import { UsageError } from '../../rules/errors.ts';
import { openBank } from './bank.ts';
import { BEFORE_ALL } from './calendar.ts';
import { chanceOf } from './chance.ts';
import { Damage } from './damage.ts';
import { soundTally, type Tally } from './flaws.ts';
import { openInsurance } from './insurance.ts';
import { pagesOf } from './pages.ts';
import type { GeneratedTable, OpenedSet, SetOptions } from './table.ts';
import { writeFileOf } from './write-file.ts';

export type SetName = keyof typeof SETS;

const SETS = {
  insurance: { open: openInsurance, cadence: 'monthly' },
  bank: { open: openBank, cadence: 'daily' },
} satisfies Record<string, { open: (options: SetOptions) => OpenedSet; cadence: Cadence }>;

export const SET_NAMES = Object.keys(SETS) as readonly SetName[];

/**
 * The business dates of a set from `from` to `to`, both included: of a monthly one, the first of each month.
 * @throws UsageError before the year 2000
 */
export function datesOfSet(set: SetName, from: BusinessDate, to: BusinessDate): BusinessDate[] {
  if (from <= BEFORE_ALL)
    throw new UsageError(`There is nothing to generate for ${from}`, {
      hint: 'Sets begin with the year 2000.',
    });
  const days = daysBetween(from, to);
  return SETS[set].cadence === 'monthly' ? [...new Set(days.map(firstOfMonth))] : days;
}

/** Every bound of a request (R14); keys leave room for as many rows a day. */
export const MOST_ROWS = 100_000_000;
export const MOST_PARTS = 1_000;
export const MOST_DRIFT = 10_000;

export interface GenerateOptions extends SetOptions {
  readonly set: SetName;
  /** An inbox, or a folder that becomes one: files lie in `<out>/<dataset>/`. */
  readonly out: string;
  readonly dates: readonly BusinessDate[];
  /** Files of a day's facts. */
  readonly parts: number;
  readonly gzip: boolean;
  /** Of a day's facts, from 0 to 100. */
  readonly badPercent: number;
}

export interface GeneratedFile {
  readonly dataset: string;
  readonly businessDate: BusinessDate;
  readonly file: string;
  readonly rows: number;
  readonly bytes: number;
}

/** What a dataset day's files hold, and what a night will make of them. */
export interface GeneratedDay extends Readonly<Tally> {
  readonly dataset: string;
  readonly businessDate: BusinessDate;
  readonly rows: number;
}

export interface Generated {
  readonly files: readonly GeneratedFile[];
  readonly days: readonly GeneratedDay[];
  /** Accounts whose transactions do not explain their closing balance, by date. */
  readonly drifted: Readonly<Record<BusinessDate, readonly number[]>>;
}

/** How far it has come. */
export interface Written {
  readonly file: string;
  /** In all files so far. */
  readonly rows: number;
}

/**
 * Writes a set as files for an inbox: `<out>/<dataset>/<date>.csv[.gz]`, or `<date>-00001-of-00005.csv[.gz]` and so on
 * where facts come in parts. Sound rows depend on the set, the seed, the date and the number of rows; where damage
 * falls, and with it a bank's balances, depends on the number of parts too. Memory does not grow with the rows, but for the balances of a bank's
 * accounts (20 bytes each). Parts are written in their order by this one thread: the disk is slower.
 * @param told once for every megabyte or so
 */
export async function generate(
  options: GenerateOptions,
  signal: AbortSignal,
  told: (written: Written) => void,
): Promise<Generated> {
  const { seed, badPercent } = options;
  const set = SETS[options.set].open(options);
  const files: GeneratedFile[] = [];
  const days: GeneratedDay[] = [];
  const drifted: Record<BusinessDate, readonly number[]> = {};
  let rowsBefore = 0;
  for (const businessDate of options.dates) {
    for (const table of set.tablesOf(businessDate)) {
      const tally = soundTally();
      const chance = chanceOf(`damage ${seed} ${table.dataset} ${businessDate}`);
      for (const part of partsOf(table, businessDate, options)) {
        const { file, from, to } = part;
        const damage = new Damage(
          table,
          { from, to, badPercent: table.isFact ? badPercent : 0 },
          chance,
          tally,
        );
        const before = rowsBefore;
        const pages = pagesOf(table, part, damage, (rows) => told({ file, rows: before + rows }));
        const bytes = await writeFileOf(pages, file, signal);
        files.push({ dataset: table.dataset, businessDate, file, rows: to - from, bytes });
        rowsBefore += to - from;
      }
      days.push({ dataset: table.dataset, businessDate, rows: table.rows, ...tally });
    }
    if (set.drifted.length > 0) drifted[businessDate] = set.drifted;
  }
  return { files, days, drifted };
}

interface Part {
  readonly file: string;
  readonly from: number;
  readonly to: number;
}

/** Parts of one size, give or take a row. */
function partsOf(
  { dataset, rows, isFact }: GeneratedTable,
  date: BusinessDate,
  options: GenerateOptions,
): Part[] {
  const parts = isFact ? options.parts : 1;
  const end = options.gzip ? '.csv.gz' : '.csv';
  const five = (number: number) => String(number).padStart(5, '0');
  return Array.from({ length: parts }, (_, index) => {
    const name = parts === 1 ? date : `${date}-${five(index + 1)}-of-${five(parts)}`;
    const first = (part: number) => Math.floor((part * rows) / parts);
    return { file: join(options.out, dataset, `${name}${end}`), from: first(index), to: first(index + 1) };
  });
}
