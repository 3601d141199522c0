import { readCsv } from '../../intake/csv.ts';
import type { ReadRecord } from '../../intake/records.ts';
import { Rejection } from '../../rules/columns.ts';
import { defineDataset, type Bounds } from '../../rules/dataset.ts';
import { integer, text } from '../../rules/kit.ts';
import { csv, type CsvSource } from '../../rules/source.ts';

/** A dataset of texts, for tests that look at records rather than at values. */
export function textDataset(
  columns: readonly string[],
  source: Parameters<typeof csv>[0] = {},
  bounds: Partial<Bounds> = {},
) {
  return defineDataset({
    name: 'notes',
    about: 'What a test has to say.',
    table: 'note',
    source: csv(source),
    columns: Object.fromEntries(columns.map((name) => [name, text().orReject()])),
    key: [columns[0] ?? 'a'],
    write: 'replaceDay',
    bounds,
  });
}

/** A dataset with a number, a text and a number. */
export function personDataset(source: Parameters<typeof csv>[0] = {}, bounds: Partial<Bounds> = {}) {
  return defineDataset({
    name: 'people',
    about: 'Who is who, for tests.',
    table: 'person',
    source: csv(source),
    columns: { id: integer().orReject(), name: text(), age: integer({ min: 0, max: 150 }) },
    key: ['id'],
    write: 'replaceDay',
    bounds,
  });
}

export interface ReadBack {
  readonly records: readonly ReadRecord[];
  /** Cells of the sound ones. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** `line rule` of the broken ones. */
  readonly broken: readonly string[];
  readonly warnings: readonly string[];
}

/** Reads CSV bytes in chunks of the given size. */
export async function readAll(
  dataset: ReturnType<typeof textDataset>,
  content: string | Buffer,
  { name = 'part-00001.csv', chunk = 65_536 } = {},
): Promise<ReadBack> {
  const bytes = Buffer.from(content as string);
  const chunks = (async function* () {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
  })();
  const warnings: string[] = [];
  const records: ReadRecord[] = [];
  const file = { key: name, bytes: bytes.length, sha256: '' };
  const source = dataset.source as CsvSource;
  for await (const batch of readCsv(dataset, source, file, chunks, (line) => warnings.push(line))) {
    records.push(...batch);
  }
  const rows = records.flatMap(({ cells }) => {
    if (cells === null) return [];
    return [cells.map((cell) => (cell instanceof Rejection ? `<${cell.rule}>` : cell))];
  });
  const broken = records.flatMap((record) =>
    record.cells === null ? [`${record.line} ${record.rule}`] : [],
  );
  return { records, rows, broken, warnings };
}
