import { Rejection, text } from '../../rules/columns.ts';
import { defineDataset, type Dataset, type DayOfRow } from '../../rules/dataset.ts';
import { LimitExceeded, UsageError } from '../../rules/errors.ts';
import { csv, type CsvSource } from '../../rules/source.ts';
import { readCsv } from '../csv.ts';
import type { StoredFile } from '../landing.ts';
import type { RawCell, RawRecord } from '../records.ts';
import { guessColumn, keyRank, type ColumnGuess } from './column-guess.ts';
import { emptySample, openFile, sampleFile, sniffDialect, type Dialect } from './dialect.ts';
import { Evidence } from './evidence.ts';
import { guessKey, hashOf, mix, nearestKey, type KeyCandidate } from './key.ts';
import { columnNames, tableName, type Named } from './names.ts';

/** What a sample shows of a dataset. */
export interface Inferred {
  readonly name: string;
  readonly table: Named;
  readonly dialect: Dialect;
  readonly missing: readonly string[];
  readonly columns: readonly ColumnGuess[];
  readonly key: readonly string[];
  readonly write: Dataset['write'];
  readonly dayOfRow: DayOfRow | undefined;
  readonly records: number;
  /** Records that are a copy of another one. */
  readonly copies: number;
}

/** Columns that are looked at for a key, the likeliest first. */
const MOST_CANDIDATES = 30;
/** Numbers that the proof of a key holds at once: 80 MB. */
const MOST_HASHES = 10_000_000;

/**
 * Learns a dataset from the whole of a sample, which is read twice: once for the types, once to prove that every
 * record of it fits them and that no two share the key.
 * @throws UsageError where the sample is empty, cannot be read to its end or shows no key
 * @throws LimitExceeded where it is too long to prove a key
 */
export async function inferDataset(name: string, paths: readonly string[]): Promise<Inferred> {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(name))
    throw new UsageError(`${JSON.stringify(name)} is not a name for a dataset`, {
      hint: 'Take up to 32 letters, digits and dashes, beginning with a letter: flights, freight-movements.',
    });
  const files = await Promise.all(paths.map(sampleFile));
  const [first] = files;
  if (!first) throw new UsageError('No sample was named', { hint: 'Add --from sample.csv' });
  const dialect = await sniffDialect(first);
  const names = columnNames(dialect.header);

  const evidence = names.map(() => new Evidence());
  let records = 0;
  for await (const { cells } of recordsOf(name, files, dialect, [])) {
    records += 1;
    for (const [index, cell] of cells.entries()) evidence[index]?.add(cell as string | null);
  }
  if (records === 0) throw emptySample(first.key);

  const missing = missingTokens(evidence);
  const columns = names.map((named, index) =>
    guessColumn(dialect.header[index] ?? '', named, evidence[index] ?? new Evidence(), new Set(missing)),
  );
  const dayOfRow = guessDayOfRow(columns);
  const { key, copies } = await proveKey(columns, dayOfRow, recordsOf(name, files, dialect, missing));
  const isFact = dayOfRow !== undefined || key.some((column) => isTime(columns, column));
  const write = isFact ? 'replaceDay' : 'merge';
  return { name, table: tableName(name), dialect, missing, columns, key, write, dayOfRow, records, copies };
}

/** Tokens that stand in columns of numbers, dates or truth values, and those that nobody writes as a value. */
function missingTokens(evidence: readonly Evidence[]): string[] {
  const tokens = evidence.flatMap((column) =>
    [...column.tokens.keys()].filter(
      (token) => column.kind() !== 'text' || token === '\\N' || token === 'NULL',
    ),
  );
  return [...new Set(tokens)].toSorted((a, b) => (a < b ? -1 : 1));
}

/** The sample's records as the intake reads them. */
async function* recordsOf(
  name: string,
  files: readonly StoredFile[],
  { delimiter, encoding, header }: Dialect,
  missing: readonly string[],
): AsyncGenerator<RawRecord> {
  const all = header.map((cell, index) => [`c${index}`, text().orReject().from(cell)] as const);
  const source: CsvSource = csv({ delimiter, encoding, missing });
  const dataset = defineDataset({
    name,
    about: 'A sample.',
    table: 'sample',
    source,
    columns: Object.fromEntries(all),
    key: ['c0'],
    write: 'merge',
  });
  for (const file of files) {
    for await (const batch of readCsv(dataset, source, file, openFile(file), () => undefined)) {
      for (const record of batch) {
        if (record.cells === null)
          throw new UsageError(`A record of the sample ${record.reason}`, {
            detail: `${file.key}, line ${record.line}`,
            hint: 'Mend or remove it: a dataset is learnt from records that are right.',
          });
        yield record;
      }
    }
  }
}

/** Where rows say which day they belong to: year, month and day, or a column that is named for it. */
function guessDayOfRow(columns: readonly ColumnGuess[]): DayOfRow | undefined {
  const has = (name: string, kind: ColumnGuess['kind']) =>
    columns.some(
      (column) => column.name === name && column.kind === kind && column.column.missingRule !== undefined,
    );
  if (['year', 'month', 'day'].every((name) => has(name, 'integer')))
    return { year: 'year', month: 'month', day: 'day' };
  const named = ['source_business_date', 'business_day', 'date', 'day'].find((name) => has(name, 'date'));
  return named === undefined ? undefined : { column: named };
}

/** Reads the sample again: every record must fit the columns, and the key must be unique. */
async function proveKey(
  columns: readonly ColumnGuess[],
  dayOfRow: DayOfRow | undefined,
  records: AsyncIterable<RawRecord>,
): Promise<{ key: string[]; copies: number }> {
  const dayColumns = new Set<string>(dayOfRow ? Object.values(dayOfRow) : []);
  const dayIndexes = columns.flatMap(({ name }, index) => (dayColumns.has(name) ? [index] : []));
  const candidates = columns
    .map((column, index) => ({
      name: column.name,
      index,
      rank: keyRank(column, index),
      hashes: [] as number[],
    }))
    .filter(({ name, rank }) => rank !== undefined && !dayColumns.has(name))
    .toSorted((a, b) => (a.rank ?? 0) - (b.rank ?? 0))
    .slice(0, MOST_CANDIDATES);
  const days: number[] = [];
  const seen = new Set<number>(); // by 53 bits: among a million records one in 20,000 samples has a false copy
  let copies = 0;
  for await (const record of records) {
    const hashes = record.cells.map((cell, index) => hashOf(fitting(columns[index], cell, record)));
    const whole = hashes.reduce(mix, 0);
    if (seen.has(whole)) {
      copies += 1;
      continue;
    }
    seen.add(whole);
    days.push(dayIndexes.reduce((day, index) => mix(day, hashes[index] ?? 0), 0));
    for (const candidate of candidates) candidate.hashes.push(hashes[candidate.index] ?? 0);
    if (days.length * (candidates.length + 2) > MOST_HASHES) throw tooLong(days.length);
  }
  const ranked: KeyCandidate[] = candidates.map(({ name, rank, hashes }) => ({
    name,
    rank: rank ?? 0,
    hashes,
  }));
  const key = guessKey(ranked, days);
  if (!key) throw noKey(ranked, days);
  return { key, copies };
}

/** The cell as the warehouse would have it: `1.50` and `1.5` are one key. */
function fitting(guess: ColumnGuess | undefined, cell: RawCell, { line }: RawRecord): string {
  if (!guess || typeof cell !== 'string') return '\0missing';
  const value = guess.column.parse(cell);
  if (!(value instanceof Rejection)) return value;
  throw new UsageError(`A value in column ${guess.name} ${value.reason}`, {
    detail: `line ${line} of the sample`,
    hint: 'Mend or remove the record: a dataset is learnt from records that are right.',
  });
}

function tooLong(records: number): LimitExceeded {
  return new LimitExceeded(`The sample is too long to prove a key: more than ${records - 1} records of it`, {
    hint: 'Give fewer days of it; some thousand records show as much.',
  });
}

function noKey(candidates: readonly KeyCandidate[], days: readonly number[]): UsageError {
  const nearest = nearestKey(candidates, days);
  return new UsageError('The sample shows no key: no three columns tell its records apart', {
    detail: nearest
      ? `The nearest is ${nearest.columns.join(', ')}, which ${nearest.shared} of ${days.length} records share`
      : 'No column always has a value that could be part of a key',
    hint: "Ask the source's owner what identifies a record, add that column, or declare the dataset by hand.",
  });
}

function isTime(columns: readonly ColumnGuess[], name: string): boolean {
  const kind = columns.find((column) => column.name === name)?.kind;
  return kind === 'date' || kind === 'timestamp';
}
