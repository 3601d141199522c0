import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseBusinessDate, type BusinessDate } from '../rules/business-date.ts';
import type { Dataset } from '../rules/dataset.ts';
import { LandingCorrupt, SourceBroken, UsageError } from '../rules/errors.ts';
import type { RestSource } from '../rules/source.ts';
import { untilAborted } from './abort.ts';
import { readCsv } from './csv.ts';
import type { StoredFile } from './landing.ts';
import { readPages } from './pages.ts';
import type { ReadRecord, RecordBatches } from './records.ts';
import { createValidator, type BrokenRule } from './validate.ts';

export interface CheckOptions {
  /** The day that rows must be of; by default the one that a file's name begins with, and any day where it has none. */
  readonly businessDate?: BusinessDate;
  /** Rejected records that are shown, of each file. */
  readonly samples?: number;
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
  readonly warnings: readonly string[];
}

const SHOWN = 10;
const LONGEST_SHOWN = 200;

/**
 * Validates files as a night would, and loads nothing. Keys and references are the warehouse's to check.
 * @param files CSV files, or pages of an API, as the dataset's source has them
 * @throws UsageError where a file cannot be opened; SourceContractBroken, SourceBroken, LimitExceeded as a night would
 */
export async function checkFiles(
  dataset: Dataset,
  files: readonly string[],
  options: CheckOptions = {},
): Promise<CheckedFile[]> {
  const checked: CheckedFile[] = [];
  for (const file of files) checked.push(await checkFile(dataset, file, options));
  return checked;
}

async function checkFile(
  dataset: Dataset,
  file: string,
  { businessDate, samples: most = SHOWN, signal = new AbortController().signal }: CheckOptions,
): Promise<CheckedFile> {
  const day = businessDate ?? parseBusinessDate(basename(file).slice(0, 10));
  const judge = day
    ? createValidator(dataset, day)
    : createValidator({ ...dataset, dayOfRow: undefined }, '0001-01-01' as BusinessDate);
  const count = { read: 0, valid: 0, rejected: 0, discarded: 0 };
  const rejectedByRule: Record<string, number> = {};
  const samples: RejectSample[] = [];
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
        rejectedByRule[verdict.rule] = (rejectedByRule[verdict.rule] ?? 0) + 1;
        if (samples.length < most) samples.push(sampleOf(dataset, record, verdict));
      } else {
        count.valid += 1;
      }
    }
  }
  return { file, businessDate: day ?? null, ...count, rejectedByRule, samples, warnings };
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

function sampleOf(
  dataset: Dataset,
  record: ReadRecord,
  { column, rule, reason }: Omit<BrokenRule, 'column'> & { column: string | null },
): RejectSample {
  const { record: ordinal, line } = record;
  const shown = { record: ordinal, line, column, rule, reason };
  const columns = Object.entries(dataset.columns);
  const index = columns.findIndex(([name]) => name === column);
  const isPersonal =
    index === -1 ? columns.some(([, { isPersonal: is }]) => is) : columns[index]?.[1].isPersonal;
  if (isPersonal) return { ...shown, value: '***' };
  const cell = index === -1 ? record.raw : (record.cells?.[index] ?? null);
  const value = typeof cell === 'string' ? cell : '';
  return { ...shown, value: value.length > LONGEST_SHOWN ? `${value.slice(0, LONGEST_SHOWN)}…` : value };
}
