import type { Cadence } from './business-date.ts';
import type { Column } from './columns.ts';
import { ConfigurationError } from './errors.ts';
import { DEFAULT_STEPS, SMALL, type Plan, type Step, type StepPolicy } from './plan.ts';
import { DEFAULT_REJECT_LIMIT_PERCENT } from './reject-limit.ts';
import type { Source } from './source.ts';

/**
 * Where a row's own business date stands; a row of another day is discarded. `monthOf` is for a monthly dataset: a row
 * of any day of its month is kept, and a row of another month discarded.
 */
export type DayOfRow<Name extends string = string> =
  | { readonly column: Name }
  | { readonly monthOf: Name }
  | { readonly year: Name; readonly month: Name; readonly day: Name };

/** When a dataset is due. Times are `HH:MM` on the clock of `timeZone`. */
export interface Schedule {
  readonly at: string;
  /** The night must be in the warehouse by then (R12); on the next day where it lies before `at`. */
  readonly dueBy: string;
  readonly timeZone: string;
  readonly cadence: Cadence;
  /** Datasets whose same business date must be loaded first. */
  readonly after: readonly string[];
}

/** Bounds on what a source may send (R14). Passing one is a named error or a rejected row. */
export interface Bounds {
  readonly recordBytes: number;
  /** Of one landed file, before decompression. */
  readonly fileBytes: number;
  /** Bytes out of gzip for one byte in. */
  readonly inflation: number;
  readonly pages: number;
  readonly pageBytes: number;
  readonly parts: number;
}

/** SQL that finds bad rows among those of the day; zero rows means good. */
export interface Audit {
  readonly name: string;
  readonly severity: 'warn' | 'error';
  /** `:table` is the day's table, `:businessDate` the day. Read-only. */
  readonly sql: string;
}

/** One declaration: source, columns, key, write mode, limits, schedule (§1). */
export interface Dataset {
  readonly name: string;
  readonly about: string;
  /** Its table in schema `warehouse`, snake_case singular. */
  readonly table: string;
  readonly source: Source;
  readonly columns: Readonly<Record<string, Column>>;
  /** Unique in a day (`replaceDay`, where business_date is part of it by itself) or in the table (`merge`). */
  readonly key: readonly string[];
  readonly write: 'replaceDay' | 'merge';
  readonly dayOfRow: DayOfRow | undefined;
  /** Among different rows of one key, the one with the greatest value here is loaded; without it all are rejected. */
  readonly latestBy: string | undefined;
  /** `merge`: an older value never overwrites a newer one; by default the business date (§5). */
  readonly versionBy: string | undefined;
  readonly rejectLimitPercent: number;
  readonly allowEmpty: boolean;
  /** Parts that are transformed side by side, where that is a step of its own. */
  readonly partsAtOnce: number;
  readonly steps: Readonly<Record<Step, StepPolicy>>;
  readonly bounds: Bounds;
  readonly schedule: Schedule | undefined;
  readonly audits: readonly Audit[];
  /** Days that a replaced version stays readable in `warehouse_history` (R10). */
  readonly historyDays: number;
  /** `replaceDay`: a month whose days are all older than so many days is folded into one table. */
  readonly foldAfter: number;
  /** Days that the raw input of an attempt is kept (R19). */
  readonly landingDays: number;
}

/** What a dataset's file says; whatever it leaves out has the default named at `Dataset`. */
export interface Declaration<Name extends string> {
  readonly name: string;
  readonly about: string;
  readonly table: string;
  readonly source: Source;
  readonly columns: Readonly<Record<Name, Column>>;
  readonly key: readonly NoInfer<Name>[];
  readonly write: 'replaceDay' | 'merge';
  readonly dayOfRow?: DayOfRow<NoInfer<Name>>;
  readonly latestBy?: NoInfer<Name>;
  readonly versionBy?: NoInfer<Name>;
  readonly rejectLimitPercent?: number;
  readonly allowEmpty?: boolean;
  readonly partsAtOnce?: number;
  readonly steps?: Partial<Record<Step, Partial<StepPolicy>>>;
  readonly bounds?: Partial<Bounds>;
  readonly schedule?: Pick<Schedule, 'at' | 'dueBy'> & Partial<Schedule>;
  readonly audits?: readonly Audit[];
  readonly historyDays?: number;
  readonly foldAfter?: number;
  readonly landingDays?: number;
}

const MIB = 1024 * 1024;
const DEFAULT_BOUNDS: Bounds = {
  recordBytes: MIB,
  fileBytes: 16 * 1024 * MIB,
  inflation: 200,
  pages: 10_000,
  pageBytes: 16 * MIB,
  parts: 1_000,
};

/**
 * Declares a dataset. A typo in `key` does not compile; what types cannot say is checked here.
 * @throws ConfigurationError naming every problem at once
 */
export function defineDataset<Name extends string>(declaration: Declaration<Name>): Dataset {
  const { schedule, steps = {}, bounds } = declaration;
  const dataset: Dataset = {
    rejectLimitPercent: DEFAULT_REJECT_LIMIT_PERCENT,
    allowEmpty: false,
    partsAtOnce: 2,
    audits: [],
    historyDays: 30,
    foldAfter: 90,
    landingDays: 30,
    dayOfRow: undefined,
    latestBy: undefined,
    versionBy: undefined,
    ...declaration,
    steps: {
      extract: { ...DEFAULT_STEPS.extract, ...steps.extract },
      transform: { ...DEFAULT_STEPS.transform, ...steps.transform },
      load: { ...DEFAULT_STEPS.load, ...steps.load },
    },
    bounds: { ...DEFAULT_BOUNDS, ...bounds },
    schedule: schedule && { timeZone: 'UTC', cadence: 'daily', after: [], ...schedule },
  };
  const problems = problemsOf(dataset);
  if (problems.length > 0)
    throw new ConfigurationError(`Dataset ${declaration.name}: ${problems.join('; ')}`);
  return dataset;
}

/** The part of a declaration that a night in flight goes by. */
export function planOf(dataset: Dataset): Plan {
  const { write, rejectLimitPercent, allowEmpty, partsAtOnce, steps, audits, source } = dataset;
  const hasWarnAudits = audits.some(({ severity }) => severity === 'warn');
  const plan = { write, rejectLimitPercent, allowEmpty, partsAtOnce, hasWarnAudits, steps, small: SMALL };
  // A merge that is overtaken starts over (R11), and would sort all of its rows again each time.
  if (write !== 'replaceDay' || source.kind !== 'csv') return plan;
  const { transform, load } = steps;
  const timeoutMs = transform.timeoutMs + load.timeoutMs;
  return { ...plan, steps: { ...steps, load: { ...load, timeoutMs } }, sortsInLoad: true };
}

/** The source's name of a column. */
export function sourceNameOf(dataset: Dataset, column: string): string {
  return dataset.columns[column]?.sourceName ?? column;
}

/** Bookkeeping columns of the warehouse that no dataset may declare. */
const RESERVED = new Set(['business_date', 'load_id', 'version']);

function problemsOf(dataset: Dataset): string[] {
  const problems: string[] = [];
  const say = (bad: boolean, problem: string) => void (bad && problems.push(problem));
  const { columns, key, dayOfRow, schedule } = dataset;
  say(!/^[a-z][a-z0-9-]{0,31}$/.test(dataset.name), 'its name must be [a-z][a-z0-9-]{0,31}');
  say(!/^[a-z][a-z0-9_]{0,38}$/.test(dataset.table), 'its table must be [a-z][a-z0-9_]{0,38}');
  for (const name of Object.keys(columns)) {
    say(!/^[a-z_][a-z0-9_]{0,62}$/.test(name), `column ${name} must be snake_case`);
    say(RESERVED.has(name), `column ${name} is kept for the warehouse`);
  }
  say(key.length === 0, 'it has no key');
  say(new Set(key).size !== key.length, 'its key names a column twice');
  const named = [...key, dataset.latestBy, dataset.versionBy, ...(dayOfRow ? Object.values(dayOfRow) : [])];
  for (const name of named) say(name !== undefined && !columns[name], `column ${name} is not declared`);
  for (const name of [...key, dataset.versionBy]) {
    say(name !== undefined && columns[name]?.missingRule === undefined, `column ${name} needs orReject()`);
  }
  const { rejectLimitPercent: limit } = dataset;
  say(
    !Number.isInteger(limit) || limit < 0 || limit > 100,
    'rejectLimitPercent must be a whole number from 0 to 100',
  );
  say(!Number.isInteger(dataset.partsAtOnce) || dataset.partsAtOnce < 1, 'partsAtOnce must be at least 1');
  say(
    !Number.isInteger(dataset.foldAfter) || dataset.foldAfter < 1,
    'foldAfter must be a whole number of days from 1',
  );
  for (const time of schedule ? [schedule.at, schedule.dueBy] : []) {
    say(!/^([01]\d|2[0-3]):[0-5]\d$/.test(time), `${time} is not a time HH:MM`);
  }
  return problems;
}
