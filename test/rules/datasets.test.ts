import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sampleDataFolder, writeSampleInbox } from '../../local/sample-inbox.ts';
import { Rejection } from '../../rules/columns.ts';
import type { Dataset } from '../../rules/dataset.ts';
import { createTableSql, tableOf } from '../../rules/table.ts';

const NAMES = [
  'flights',
  'airlines',
  'airports',
  'stations',
  'freight-movements',
  'insurance-movements',
  'bank-customers',
  'bank-accounts',
  'bank-transactions',
];
const root = join(import.meta.dirname, '..', '..');

async function declared(name: string): Promise<Dataset> {
  const module = (await import(join(root, 'datasets', `${name}.ts`))) as { default: Dataset };
  return module.default;
}

type Row = Record<string, string>;

async function rowsOf(file: string): Promise<Row[]> {
  return parse<Row>(await readFile(file), { columns: true });
}

/** The rules that a row breaks, by the declaration alone. */
function brokenRules(dataset: Dataset, row: Row): Set<string> {
  const rules = new Set<string>();
  const missing = dataset.source.kind === 'csv' ? dataset.source.missing : [];
  for (const [name, column] of Object.entries(dataset.columns)) {
    const cell = row[column.sourceName ?? name];
    if (cell === undefined) throw new Error(`the file has no column ${name}`);
    const parsed = cell === '' || missing.includes(cell) ? undefined : column.parse(cell);
    if (parsed instanceof Rejection) rules.add(parsed.rule);
    if (parsed === undefined && column.missingRule !== undefined) rules.add(column.missingRule);
  }
  return rules;
}

describe('every dataset', () => {
  test.each(NAMES)('%s says its own name and has one migration', async (name) => {
    expect((await declared(name)).name).toBe(name);
    const files = await readdir(join(root, 'migrations'));
    expect(files.filter((file) => file.replace(/^\d{13}-/, '') === `${name}.sql`)).toHaveLength(1);
  });

  test.each(NAMES)('the migration of %s makes the table that it declares', async (name) => {
    const files = await readdir(join(root, 'migrations'));
    const file = files.find((candidate) => candidate.endsWith(`-${name}.sql`)) ?? '';
    const sql = await readFile(join(root, 'migrations', file), 'utf8');
    expect(sql.startsWith('-- ')).toBe(true);
    expect(sql.replace(/^(--.*\n)+/, '')).toBe(createTableSql(tableOf(await declared(name))));
  });

  test('movements wait for the stations that they refer to', async () => {
    const movements = await declared('freight-movements');
    expect(movements.schedule?.after).toEqual(['stations']);
    const stations = await declared('stations');
    for (const end of ['origin', 'destination']) {
      expect(movements.columns[end]?.reference).toEqual({ table: stations.table, column: stations.key[0] });
    }
  });

  test('transactions wait for the accounts that they refer to, and accounts for their customers', async () => {
    for (const [name, parent, column] of [
      ['bank-transactions', 'bank-accounts', 'account_id'],
      ['bank-accounts', 'bank-customers', 'customer_id'],
    ] as const) {
      const [child, of] = [await declared(name), await declared(parent)];
      expect(child.schedule?.after).toEqual([parent]);
      expect(child.columns[column]?.reference).toEqual({ table: of.table, column: of.key[0] });
    }
  });

  test('the client of a movement is personal', async () => {
    expect((await declared('freight-movements')).columns['client']?.isPersonal).toBe(true);
  });
});

describe('the real February', () => {
  let inbox: string;

  beforeAll(async () => {
    inbox = await mkdtemp(join(tmpdir(), 'nighttrain-inbox-'));
    await writeSampleInbox(inbox);
  });
  afterAll(() => rm(inbox, { recursive: true }));

  test('is cut into 28 daily files whose records are those of the published file, byte for byte', async () => {
    const files = (await readdir(join(inbox, 'flights'))).toSorted();
    expect(files).toHaveLength(28);
    expect([files[0], files.at(-1)]).toEqual(['2013-02-01.csv', '2013-02-28.csv']);
    const contents = await Promise.all(files.map((file) => readFile(join(inbox, 'flights', file), 'latin1')));
    const whole = await readFile(join(sampleDataFolder(), 'flights-2013-02.csv'), 'latin1');
    const header = whole.slice(0, whole.indexOf('\n') + 1);
    expect(contents.every((content) => content.startsWith(header))).toBe(true);
    const records = contents.map((content) => content.slice(header.length)).join('');
    expect(header + records === whole).toBe(true);
  });

  test('has 22,865 flights to load, 472 to reject and two nights to refuse', async () => {
    const flights = await declared('flights');
    const days = new Map<string, { read: number; rejected: number }>();
    const rules = new Set<string>();
    const keys = new Set<string>();
    for (const file of await readdir(join(inbox, 'flights'))) {
      const count = { read: 0, rejected: 0 };
      for (const row of await rowsOf(join(inbox, 'flights', file))) {
        const broken = brokenRules(flights, row);
        for (const rule of broken) rules.add(rule);
        count.read += 1;
        count.rejected += broken.size > 0 ? 1 : 0;
        keys.add([file, ...flights.key.map((name) => row[name])].join('|'));
      }
      days.set(file.slice(0, 10), count);
    }
    expect([...rules]).toEqual(['incomplete']);
    expect(keys.size).toBe(24_951);
    expect(days.get('2013-02-08')).toEqual({ read: 930, rejected: 475 });
    expect(days.get('2013-02-09')).toEqual({ read: 684, rejected: 393 });
    const others = [...days].filter(([day]) => day !== '2013-02-08' && day !== '2013-02-09');
    expect(others.reduce((sum, [, { rejected }]) => sum + rejected, 0)).toBe(472);
    expect(others.reduce((sum, [, { read, rejected }]) => sum + read - rejected, 0)).toBe(22_865);
    expect(others.every(([, { read, rejected }]) => rejected * 100 <= 30 * read)).toBe(true);
  });

  test.each(['airlines', 'airports'])('has %s without a row to reject', async (name) => {
    const dataset = await declared(name);
    const rows = await rowsOf(join(inbox, name, '2013-02-01.csv'));
    expect(rows.length).toBe(name === 'airlines' ? 16 : 1458);
    expect(rows.filter((row) => brokenRules(dataset, row).size > 0)).toEqual([]);
    expect(new Set(rows.map((row) => row[dataset.key[0] ?? ''])).size).toBe(rows.length);
  });

  test('flies to four airports that the table lacks, 608 times, with carriers that are all known', async () => {
    const [flights, airports, airlines] = await Promise.all(
      ['flights-2013-02', 'airports', 'airlines'].map((name) =>
        rowsOf(join(sampleDataFolder(), `${name}.csv`)),
      ),
    );
    const known = new Set(airports?.map((row) => row['faa']));
    const carriers = new Set(airlines?.map((row) => row['carrier']));
    const lost = flights?.filter((row) => !known.has(row['dest'])).map((row) => row['dest']) ?? [];
    expect(lost).toHaveLength(608);
    expect(new Set(lost)).toEqual(new Set(['BQN', 'PSE', 'SJU', 'STT']));
    expect(flights?.every((row) => carriers.has(row['carrier']))).toBe(true);
  });

  test('a day that the sample lacks is refused by name', async () => {
    await expect(writeSampleInbox(inbox, { flights: ['2013-03-01'] })).rejects.toThrow(
      'The sample has no flights of 2013-03-01',
    );
    await expect(writeSampleInbox(inbox, { flights: [], lookups: ['2013-02-30'] })).rejects.toThrow(
      '2013-02-30',
    );
  });
});
