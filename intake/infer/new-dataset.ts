import { defineDataset, type Dataset } from '../../rules/dataset.ts';
import { csv } from '../../rules/source.ts';
import { createTableSql, tableOf } from '../../rules/table.ts';
import { inferDataset, type Inferred } from './infer-dataset.ts';

export interface NewDatasetRequest {
  readonly name: string;
  /** Path of a CSV file, or of several of one shape. */
  readonly sample: string | readonly string[];
  /** What the declaration imports the kit from: `nighttrain`, or `../rules/kit.ts` in this repository. */
  readonly kit: string;
  /** Milliseconds since the epoch; the migration is named by it. */
  readonly now: number;
}

export interface NewDataset {
  /** The text of `datasets/<name>.ts`. */
  readonly declaration: string;
  /** The text of `migrations/<migrationName>`. */
  readonly migration: string;
  readonly migrationName: string;
  /** What a person should look at before the first night, one sentence each. */
  readonly notes: string[];
}

/**
 * Writes a dataset from a sample. What the sample cannot show stands in the declaration as `// review: …`.
 * @throws UsageError where the name or the sample will not do
 */
export async function newDataset({ name, sample, kit, now }: NewDatasetRequest): Promise<NewDataset> {
  const inferred = await inferDataset(name, typeof sample === 'string' ? [sample] : sample);
  const dataset = datasetOf(inferred);
  const comment =
    `-- The table of dataset ${name}, as datasets/${name}.ts declares it.\n` +
    `-- Safe at any time: it makes ${dataset.write === 'merge' ? 'two new, empty tables' : 'a new, empty table'} ` +
    'and touches nothing that exists.\n';
  return {
    declaration: declarationOf(inferred, kit),
    migration: comment + createTableSql(tableOf(dataset)),
    migrationName: `${now}-${name}.sql`,
    notes: notesOf(inferred),
  };
}

/** The dataset that the written declaration declares. */
function datasetOf({ name, table, dialect, missing, columns, key, write, dayOfRow }: Inferred): Dataset {
  const { delimiter, encoding } = dialect;
  return defineDataset<string>({
    name,
    about: 'A new dataset.',
    table: table.name,
    source: csv({ delimiter, encoding, missing }),
    columns: Object.fromEntries(columns.map(({ name: column, column: declared }) => [column, declared])),
    key,
    write,
    ...(dayOfRow && { dayOfRow }),
  });
}

function declarationOf(inferred: Inferred, kit: string): string {
  const { name, table, columns, key, write, dayOfRow, records } = inferred;
  const kinds = new Set(['csv', 'defineDataset', ...columns.map(({ kind }) => kind)]);
  const day = dayOfRow && Object.entries(dayOfRow).map(([part, column]) => `${part}: ${quote(column)}`);
  const lines = [
    ...importLines(
      [...kinds].toSorted((a, b) => (a < b ? -1 : 1)),
      kit,
    ),
    '',
    `// Learnt from a sample of ${records} records. Each "review" is a guess for a person to confirm and remove.`,
    'export default defineDataset({',
    `  name: ${quote(name)},`,
    "  about: 'What one row is, and where it comes from.', // review: say it in a sentence",
    `  table: ${quote(table.name)}, // review: ${table.review ?? 'is this its singular?'}`,
    `  source: ${sourceCode(inferred)},`,
    '  columns: {',
    ...columns.map((column) => {
      const from = column.header === column.name ? '' : `.from(${quote(column.header)})`;
      const review = column.reviews.length > 0 ? ` // review: ${comment(column.reviews.join('; '))}` : '';
      return `    ${column.name}: ${column.code}${from},${review}`;
    }),
    '  },',
    `  // review: unique in the sample${write === 'replaceDay' && dayOfRow ? ', day by day' : ''}; is it so by nature?`,
    `  key: [${key.map(quote).join(', ')}],`,
    ...(day ? ['  // review: a row of another day is discarded', `  dayOfRow: { ${day.join(', ')} },`] : []),
    `  write: ${quote(write)}, // review: ${WRITE_REVIEW[write]}`,
    "  schedule: { at: '02:00', dueBy: '05:00' }, // review: when is the source ready, when is the data needed?",
    '});',
    '',
  ];
  return lines.join('\n');
}

/** On one line where it fits the width that this repository formats to. */
function importLines(names: readonly string[], kit: string): string[] {
  const line = `import { ${names.join(', ')} } from ${quote(kit)};`;
  if (line.length <= 110) return [line];
  return ['import {', ...names.map((name) => `  ${name},`), `} from ${quote(kit)};`];
}

const WRITE_REVIEW = {
  replaceDay: 'each file is one whole day; merge where it changes rows of before',
  merge: 'each file changes rows of before; replaceDay where it is one whole day',
};

function sourceCode({ dialect: { delimiter, encoding }, missing }: Inferred): string {
  const options = [
    delimiter === ',' ? '' : `delimiter: ${quote(delimiter)}`,
    encoding === 'utf-8' ? '' : `encoding: ${quote(encoding)}`,
    missing.length === 0
      ? ''
      : `missing: ${missing.length === 1 ? quote(missing[0] ?? '') : `[${missing.map(quote).join(', ')}]`}`,
  ].filter((option) => option !== '');
  return options.length === 0 ? 'csv()' : `csv({ ${options.join(', ')} })`;
}

function notesOf({ table, dialect, missing, columns, key, write, records, copies }: Inferred): string[] {
  const toReview = columns.filter(({ reviews }) => reviews.length > 0).length;
  const personal = columns.filter((column) => column.personal).map(({ name }) => name);
  return [
    `Learnt from ${records} records, ${columns.length} columns; ${toReview} of them have something to review.`,
    `Key ${key.join(', ')}: unique over the whole sample; ask whether it is so by nature.`,
    `Write mode ${write}, table warehouse.${table.name}: both are guesses.`,
    ...(missing.length > 0 ? [`Read as missing in every column: ${missing.join(' ')}`] : []),
    ...(dialect.encoding === 'latin1' ? ['The sample is not UTF-8: it is read as Latin-1.'] : []),
    ...(copies > 0 ? [`${copies} records are copies of others; a night loads one of each.`] : []),
    ...(personal.length > 0 ? [`Masked as personal by their names: ${personal.join(', ')}`] : []),
  ];
}

/** A string literal of JavaScript, whatever the text holds. */
function quote(text: string): string {
  const escaped = JSON.stringify(text)
    .slice(1, -1)
    .replace(/\\(.)/g, (whole, character: string) => (character === '"' ? '"' : whole))
    .replaceAll("'", "\\'");
  return `'${escaped}'`;
}

/** Text that cannot end the comment that it stands in. */
function comment(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, ' ');
}
