import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseBusinessDate, type BusinessDate } from '../rules/business-date.ts';
import type { Dataset } from '../rules/dataset.ts';
import { LandingCorrupt, SourceBroken, UsageError } from '../rules/errors.ts';
import { requireDateOf } from '../rules/month.ts';
import type { RestSource } from '../rules/source.ts';
import { untilAborted } from './abort.ts';
import { readCsv } from './csv.ts';
import type { FigureGatherer } from './column-figures.ts';
import type { StoredFile } from './landing.ts';
import { readPages } from './pages.ts';
import type { ReadRecord, RecordBatches } from './records.ts';
import { createValidator, type BrokenRule, type Values } from './validate.ts';

export interface CheckOptions {
  /** The day that rows must be of; by default the one that a file's name begins with, and any day where it has none. */
  readonly businessDate?: BusinessDate;
  /** Rejected records that are shown, of each file. */
  readonly samples?: number;
  /** Instead so many rejected records of every rule, and so many sound rows. */
  readonly sample?: number | undefined;
  /** Told every sound row's values, of all files. */
  readonly figures?: FigureGatherer | undefined;
  /** Told now and then how many records of a file were read. */
  readonly progress?: (file: string, read: number) => void;
  readonly signal?: AbortSignal;
}

/** A rejected record as a check shows it. */
export interface RejectSample {
  readonly record: number;
  /** From 1; null where the source has no lines. */
  readonly line: number | null;
  readonly column: string | null;
  readonly rule: string;
  readonly reason: string;
  /** The cell at fault, or the record where none is; `***` where it may be personal (R17). */
  readonly value: string;
}

export interface CheckedFile {
  readonly file: string;
  /** The day that its rows were held to. */
  readonly businessDate: BusinessDate | null;
  readonly read: number;
  readonly valid: number;
  readonly rejected: number;
  readonly discarded: number;
  readonly rejectedByRule: Readonly<Record<string, number>>;
  readonly samples: readonly RejectSample[];
  /** Sound rows as the warehouse would have them, by column; `***` where one is personal. */
  readonly rows: readonly Readonly<Record<string, string | null>>[];
  readonly warnings: readonly string[];
}

const MASK = '***';
const SHOWN = 10;
const LONGEST_SHOWN = 200;

/**
 * Validates files as a night would, and loads nothing. Keys and references are the warehouse's to check.
 * @param files CSV files, or pages of an API, as the dataset's source has them
 * @throws UsageError where a file cannot be opened, or is of a date that the dataset is not loaded under; SourceContractBroken,
 *   SourceBroken, LimitExceeded as a night would
 */
export async function checkFiles(
  dataset: Dataset,
  files: readonly string[],
  options: CheckOptions = {},
): Promise<CheckedFile[]> {
  const checked: CheckedFile[] = [];
  for (const file of files) {
    const day = dayOf(file, options.businessDate);
    if (day) requireDateOf(dataset, day, (date) => `dataset check ${dataset.name} ${file} --date ${date}`);
  }
  for (const file of files) checked.push(await checkFile(dataset, file, options));
  return checked;
}

function dayOf(file: string, named: BusinessDate | undefined): BusinessDate | undefined {
  return named ?? parseBusinessDate(basename(file).slice(0, 10));
}

async function checkFile(
  dataset: Dataset,
  file: string,
  { businessDate, figures, progress, signal = new AbortController().signal, ...options }: CheckOptions,
): Promise<CheckedFile> {
  const day = dayOf(file, businessDate);
  const judge = day
    ? createValidator(dataset, day)
    : createValidator({ ...dataset, dayOfRow: undefined }, '0001-01-01' as BusinessDate);
  const count = { read: 0, valid: 0, rejected: 0, discarded: 0 };
  const rejectedByRule: Record<string, number> = {};
  const shown = new Shown(dataset, options);
  const warnings: string[] = [];
  const stored = await statFile(file);
  for await (const batch of recordsOf(dataset, stored, signal, (warning) => warnings.push(warning))) {
    for (const record of batch) {
      count.read += 1;
      const verdict = record.cells === null ? { ...record, column: null } : judge(record.cells);
      if (verdict === 'discarded') {
        count.discarded += 1;
      } else if ('rule' in verdict) {
        count.rejected += 1;
        const ofRule = (rejectedByRule[verdict.rule] ?? 0) + 1;
        rejectedByRule[verdict.rule] = ofRule;
        shown.reject(record, verdict, ofRule);
      } else {
        count.valid += 1;
        shown.take(verdict);
        figures?.add(verdict);
      }
    }
    progress?.(file, count.read);
  }
  const { samples, rows } = shown;
  return { file, businessDate: day ?? null, ...count, rejectedByRule, samples, rows, warnings };
}

/** The records of a file that are shown: few, however many there are. */
class Shown {
  readonly samples: RejectSample[] = [];
  readonly rows: Record<string, string | null>[] = [];
  readonly #dataset: Dataset;
  readonly #most: number;
  readonly #sample: number | undefined;

  constructor(dataset: Dataset, { samples = SHOWN, sample }: Pick<CheckOptions, 'samples' | 'sample'>) {
    this.#dataset = dataset;
    this.#most = samples;
    this.#sample = sample;
  }

  /** @param ofRule how many records its rule has rejected, with this one */
  reject(record: ReadRecord, verdict: BrokenRule, ofRule: number): void {
    const isWanted = this.#sample === undefined ? this.samples.length < this.#most : ofRule <= this.#sample;
    if (isWanted) this.samples.push(sampleOf(this.#dataset, record, verdict));
  }

  take(values: Values): void {
    if (this.rows.length >= (this.#sample ?? 0)) return;
    const cells = Object.entries(this.#dataset.columns).map(([name, { isPersonal }], index) => {
      const value = values[index] ?? null;
      return [name, value !== null && isPersonal ? MASK : value] as const;
    });
    this.rows.push(Object.fromEntries(cells));
  }
}

async function statFile(file: string): Promise<StoredFile> {
  const found = await stat(file).catch((cause: unknown) => {
    throw new UsageError('The file cannot be read', { detail: (cause as Error).message, cause });
  });
  if (!found.isFile()) throw new UsageError(`${file} is not a file`);
  return { key: file, bytes: found.size, sha256: '' };
}

function recordsOf(
  dataset: Dataset,
  file: StoredFile,
  signal: AbortSignal,
  warn: (warning: string) => void,
): RecordBatches {
  const open = ({ key }: StoredFile) => untilAborted(createReadStream(key) as AsyncIterable<Buffer>, signal);
  const { source } = dataset;
  return source.kind === 'csv'
    ? readCsv(dataset, source, file, open(file), warn)
    : readPage(dataset, source, file, open, warn);
}

/** A page that never went through extract may be anything. */
async function* readPage(
  dataset: Dataset,
  source: RestSource,
  file: StoredFile,
  open: (file: StoredFile) => AsyncIterable<Buffer>,
  warn: (warning: string) => void,
): AsyncGenerator<readonly ReadRecord[]> {
  try {
    yield* readPages(dataset, source, [file], open, warn);
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof LandingCorrupt)) throw cause;
    throw new SourceBroken(`A file is no page of ${dataset.name}`, {
      detail: `${file.key}: ${cause.message}`,
      hint: `Save what ${source.path} answers: a JSON document whose "${source.records}" is a list.`,
      cause,
    });
  }
}

function sampleOf(dataset: Dataset, record: ReadRecord, { column, rule, reason }: BrokenRule): RejectSample {
  const { record: ordinal, line } = record;
  const shown = { record: ordinal, line, column, rule, reason };
  const columns = Object.entries(dataset.columns);
  const index = columns.findIndex(([name]) => name === column);
  const isPersonal =
    index === -1 ? columns.some(([, { isPersonal: is }]) => is) : columns[index]?.[1].isPersonal;
  if (isPersonal) return { ...shown, value: MASK };
  const cell = index === -1 ? record.raw : (record.cells?.[index] ?? null);
  const value = typeof cell === 'string' ? cell : '';
  return { ...shown, value: value.length > LONGEST_SHOWN ? `${value.slice(0, LONGEST_SHOWN)}…` : value };
}
