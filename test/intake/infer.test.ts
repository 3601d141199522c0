import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { format } from 'prettier';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkFiles } from '../../intake/check-files.ts';
import { newDataset, type NewDataset } from '../../intake/infer/new-dataset.ts';
import { sampleDataFolder } from '../../local/sample-inbox.ts';
import type { Dataset } from '../../rules/dataset.ts';
import { NightTrainError, UsageError } from '../../rules/errors.ts';
import * as kit from '../../rules/kit.ts';
import { createTableSql, tableOf } from '../../rules/table.ts';

const root = join(import.meta.dirname, '..', '..');
const KIT = join(root, 'rules', 'kit.ts');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nighttrain-infer-'));
  await mkdir(join(folder, 'datasets'));
});
afterAll(() => rm(folder, { recursive: true }));

async function sample(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const learn = (name: string, path: string): Promise<NewDataset> =>
  newDataset({ name, sample: path, kit: KIT, now: 1_795_000_000_000 });

/** What the declaration declares. It is plain JavaScript: only its import and its export stand in the way. */
function load({ declaration }: NewDataset): Dataset {
  const body = declaration.replace(/^import [^;]*;\n/, '').replace('export default ', '');
  return runInNewContext(body, { ...kit }) as Dataset;
}

/** Learns the sample, and holds the declaration to it. */
async function learnText(content: string | Buffer, file = 'sample.csv', name = 'samples'): Promise<Dataset> {
  const path = await sample(file, content);
  const learnt = await learn(name, path);
  const dataset = load(learnt);
  const [checked] = await checkFiles(dataset, [path]);
  expect(checked).toMatchObject({ rejected: 0, discarded: 0, samples: [] });
  expect(learnt.migration.replace(/^(--.*\n)+/, '')).toBe(createTableSql(tableOf(dataset)));
  return dataset;
}

const typesOf = ({ columns }: Dataset) =>
  Object.fromEntries(Object.entries(columns).map(([name, { type }]) => [name, type]));
const nullable = ({ columns }: Dataset) =>
  Object.keys(columns).filter((name) => columns[name]?.missingRule === undefined);

const NASTY = [
  'ID;Dép. réelle;"it\'s ""odd""\\";order;2013 total;Phone;code postal;paid;montant;seen at;日本',
  '1;2013-02-01;a;x;1.5;0612345678;007;true;12.50;2013-02-01T10:00:00Z;é',
  '2;2013-02-02;"b;c";y;2.25;+33 6 12 34;75001;false;-0.5;2013-02-01T10:00:00.5+01:00;"two',
  'lines"',
  '3;NA;;\\.;3;0699999999;01000;true;1000000;2013-02-01T10:00:00Z;"',
  '"',
  '',
].join('\r\n');

describe('a declaration written from a sample', () => {
  test('compiles, loads, and accepts every record of the sample that it was learnt from', async () => {
    const samples: [string, string][] = [
      ['airlines', join(sampleDataFolder(), 'airlines.csv')],
      ['airports', join(sampleDataFolder(), 'airports.csv')],
      ['flights', join(sampleDataFolder(), 'flights-2013-02.csv')],
      ['nasty', await sample('nasty.csv', NASTY)],
    ];
    for (const [name, path] of samples) {
      const kitPath = relative(join(folder, 'datasets'), KIT);
      const learnt = await newDataset({ name, sample: path, kit: kitPath, now: 1_795_000_000_000 });
      await writeFile(join(folder, 'datasets', `${name}.ts`), learnt.declaration);
      const { default: dataset } = (await import(join(folder, 'datasets', `${name}.ts`))) as {
        default: Dataset;
      };
      const [checked] = await checkFiles(dataset, [path]);
      expect(checked).toMatchObject({ rejected: 0, discarded: 0, businessDate: null, warnings: [] });
      expect(checked?.read).toBe({ airlines: 16, airports: 1458, flights: 24_951, nasty: 3 }[name]);
      expect(learnt.migration).toContain(createTableSql(tableOf(dataset)));
      expect(learnt.migrationName).toBe(`1795000000000-${name}.sql`);
      expect(
        await format(learnt.declaration, { parser: 'typescript', singleQuote: true, printWidth: 110 }),
      ).toBe(learnt.declaration);
    }
    const config = {
      extends: join(root, 'tsconfig.json'),
      include: ['datasets/*.ts'],
      compilerOptions: { types: [] },
    };
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const compiled = promisify(execFile)(process.execPath, [tsc, '-p', folder]);
    await expect(compiled).resolves.toMatchObject({ stdout: '' });
  });

  test('names a key of the real February that no two flights of a day share', async () => {
    const path = join(sampleDataFolder(), 'flights-2013-02.csv');
    const { key, dayOfRow, write, source } = load(await learn('flights', path));
    const rows = parse<Record<string, string>>(await readFile(path), { columns: true });
    const keys = rows.map((row) => ['year', 'month', 'day', ...key].map((name) => row[name]).join('|'));
    expect(new Set(keys).size).toBe(24_951);
    expect(dayOfRow).toEqual({ year: 'year', month: 'month', day: 'day' });
    expect([write, source]).toMatchObject(['replaceDay', { missing: ['NA'] }]);
  });

  test('imports the kit from where it is told', async () => {
    const path = await sample('kit.csv', 'id\n1\n');
    const { declaration } = await newDataset({ name: 'x', sample: path, kit: 'nighttrain', now: 1 });
    expect(declaration.split('\n')[0]).toBe("import { csv, defineDataset, integer } from 'nighttrain';");
  });

  test('says what a person must review', async () => {
    const path = await sample('review.csv', 'id,email,amount\n1,a@b.c,"1,5"\n2,,"2,5"\n');
    const { declaration, notes } = await learn('reviewed', path);
    expect(declaration).toMatch(
      /email: text\(.*\)\.personal\(\), \/\/ review: missing in 1 of 2 records; personal data\?/,
    );
    expect(declaration).toMatch(/amount: .* \/\/ review: .*decimal commas/);
    expect(notes.join('\n')).toContain('email');
    expect(declaration + notes.join('\n')).not.toContain('a@b.c');
  });
});

describe('types', () => {
  test('are those that every record of the sample fits, the last one included', async () => {
    const rows = Array.from({ length: 3_000 }, (_, index) => `${index},${index},2013-02-01,true`);
    const dataset = await learnText(['id,n,d,b', ...rows, '3000,x,2013-02-30,maybe', ''].join('\n'));
    expect(typesOf(dataset)).toEqual({ id: 'integer', n: 'text', d: 'text', b: 'text' });
  });

  test.each([
    ['leading zeros', ['007', '42'], 'text'],
    ['a plus sign', ['+237699', '5'], 'text'],
    ['a minus zero', ['-0', '5'], 'text'],
    ['codes with an exponent', ['12E4', '13E5'], 'text'],
    ['more digits than 64 bits hold', ['12345678901234567890123', '1'], 'text'],
    ['whole numbers', ['0', '-12', '999999999'], 'integer'],
    ['large whole numbers', ['5000000000', '1'], 'bigint'],
    ['prices', ['12.5', '3', '-0.125'], 'numeric(12,3)'],
    ['measurements', ['1.12345678', '2.5'], 'double precision'],
    ['exponents', ['1.5e-7', '2.0'], 'double precision'],
    ['days', ['2013-02-28', '2012-02-29'], 'date'],
    ['instants', ['2013-02-01T10:00:00Z', '2013-02-01 10:00+01:00'], 'timestamp with time zone'],
    ['times without an offset', ['2013-02-01T10:00:00', '2013-02-01T10:00:01'], 'text'],
    ['truth', ['true', 'FALSE'], 'boolean'],
    ['t and f', ['t', 'f'], 'boolean'],
    ['a lone letter', ['F', 'F'], 'text'],
    ['noughts and ones', ['0', '1'], 'integer'],
    ['clock times, which may be numbers', ['455', '2400'], 'integer'],
    ['nothing at all', ['', ''], 'text'],
  ])('%s: %j are %s%s', async (_, cells, type) => {
    const dataset = await learnText(
      ['id,v', ...cells.map((cell, index) => `${index + 1},${cell}`), ''].join('\n'),
    );
    expect(typesOf(dataset)['v']).toBe(type);
  });

  test('of telephone numbers and postcodes are text, whatever their digits', async () => {
    const dataset = await learnText('id,tel,code_postal\n1,612345678,75001\n2,612345679,75002\n');
    expect(typesOf(dataset)).toMatchObject({ tel: 'text', code_postal: 'text' });
  });
});

describe('missing values', () => {
  test.each(['NA', 'NULL', '\\N', '-', 'N/A'])(
    '%s in a column of numbers is missing everywhere',
    async (token) => {
      const dataset = await learnText(`id,n,t\n1,5,${token}\n2,${token},x\n`);
      expect(typesOf(dataset)['n']).toBe('integer');
      expect(nullable(dataset)).toEqual(['n', 't']);
      expect(dataset.source).toMatchObject({ missing: [token] });
    },
  );

  test('NA among words stays a word: it may be Namibia, and a person is asked', async () => {
    const path = await sample('namibia.csv', 'id,country\n1,NA\n2,CM\n');
    const learnt = await learn('places', path);
    expect(load(learnt).source).toMatchObject({ missing: [] });
    expect(nullable(load(learnt))).toEqual([]);
    expect(learnt.declaration).toContain('NA 1 times: missing?');
  });

  test('an empty cell makes its column one that may be missing', async () => {
    expect(nullable(await learnText('id,a,b\n1,,x\n2,5,y\n'))).toEqual(['a']);
  });
});

describe('dialects', () => {
  const rows = [
    ['id', 'nom', 'prix'],
    ['1', 'Éséka', '1.5'],
    ['2', 'a,b;c', '2.5'],
  ];
  const written = (delimiter: string, end = '\n') =>
    rows.map((row) => row.map((cell) => (/[,;]/.test(cell) ? `"${cell}"` : cell)).join(delimiter)).join(end) +
    end;

  test.each([',', ';', '\t', '|'])('a sample separated by %j', async (delimiter) => {
    const dataset = await learnText(written(delimiter));
    expect(dataset.source).toMatchObject({ delimiter, encoding: 'utf-8' });
    expect(Object.keys(dataset.columns)).toEqual(rows[0]);
  });

  test('a byte order mark, CRLF and gzip change nothing', async () => {
    const dataset = await learnText(gzipSync(`\uFEFF${written(';', '\r\n')}`), 'packed.csv.gz');
    expect(Object.keys(dataset.columns)).toEqual(rows[0]);
  });

  test('a sample that is not UTF-8 is read as Latin-1, when only its last byte says so', async () => {
    const long = `id,nom\n${Array.from({ length: 50_000 }, (_, index) => `${index},x\n`).join('')}`;
    const dataset = await learnText(Buffer.from(`${long}50000,Yaound\u00e9`, 'latin1'));
    expect(dataset.source).toMatchObject({ encoding: 'latin1' });
  });

  test('a file of one column may hold any delimiter in its text', async () => {
    expect(Object.keys((await learnText('note\na,b\nc\n')).columns)).toEqual(['note']);
  });
});

describe('names', () => {
  test('are snake_case, without accents, and remember the header', async () => {
    const { columns } = await learnText('Train ID,depTime,Gare d’arrivée,Straße,2013,日本\n1,2,3,4,5,6\n');
    expect(Object.entries(columns).map(([name, { sourceName }]) => [name, sourceName])).toEqual([
      ['train_id', 'Train ID'],
      ['dep_time', 'depTime'],
      ['gare_d_arrivee', 'Gare d’arrivée'],
      ['strasse', 'Straße'],
      ['_2013', '2013'],
      ['column_6', '日本'],
    ]);
  });

  test('that SQL or the warehouse keeps for itself are changed', async () => {
    const dataset = await learnText('order,business_date,ctid,__proto__\n1,2,3,4\n', 'sql.csv', 'users');
    expect(Object.keys(dataset.columns)).toEqual([
      'source_order',
      'source_business_date',
      'source_ctid',
      'proto',
    ]);
    expect(dataset.table).toBe('user_row');
  });

  test.each([
    ['freight-movements', 'freight_movement'],
    ['companies', 'company'],
    ['addresses', 'address'],
    ['branches', 'branch'],
    ['status', 'status'],
  ])('the table of %s is %s', async (name, table) => {
    expect((await learnText('id\n1\n', 'table.csv', name)).table).toBe(table);
  });
});

describe('the key', () => {
  test('is the smallest one, and an id rather than a name', async () => {
    expect((await learnText('title,n,code\na,1,x\nb,1,y\nc,2,z\n')).key).toEqual(['code']);
  });

  test('is made of two or three columns where one does not do', async () => {
    expect((await learnText('a,b,c\n1,x,p\n1,y,p\n2,x,p\n2,y,p\n')).key).toEqual(['a', 'b']);
    const cube = [0, 1].flatMap((a) => [0, 1].flatMap((b) => [0, 1].map((c) => `${a},${b},${c},w`)));
    expect((await learnText(`a,b,c,d\n${cube.join('\n')}\n`)).key).toEqual(['a', 'b', 'c']);
  });

  test('knows (1, 2) from (2, 1)', async () => {
    expect((await learnText('a,b\n1,2\n2,1\n1,1\n2,2\n')).key).toEqual(['a', 'b']);
  });

  test('has no column that may be missing, and no measurement', async () => {
    expect((await learnText('id,lat,name\n,1.5,a\n2,2.5,b\n3,3.5,c\n')).key).toEqual(['name']);
  });

  test('of a day need not name the day', async () => {
    const dataset = await learnText('date,line,n\n2025-06-01,1,5\n2025-06-02,1,6\n2025-06-01,2,5\n');
    expect([dataset.key, dataset.dayOfRow, dataset.write]).toEqual([
      ['line'],
      { column: 'date' },
      'replaceDay',
    ]);
  });

  test('sees past records that are copies of each other', async () => {
    expect((await learnText('id,n\n1,5\n1,5\n2,5\n')).key).toEqual(['id']);
  });
});

describe('a sample is refused', () => {
  const refusal = async (content: string | Buffer, name = 'samples') => {
    const learnt = learn(name, await sample('refused.csv', content));
    const cause = await learnt.then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(cause).toBeInstanceOf(UsageError);
    const { message, detail = '', hint = '' } = cause as UsageError;
    return `${message} | ${detail} | ${hint}`;
  };

  test.each<[string, string | Buffer, RegExp]>([
    ['that is empty', '', /is empty.*refused\.csv/],
    ['that is a byte order mark', '\uFEFF', /is empty/],
    ['that is a header alone', 'id,n\n', /is empty/],
    ['with a column that has no name', 'id,,n\n1,2,3\n', /Column 2 of the sample has no name/],
    ['with two names that fold into one', 'Été,ETE\n1,2\n', /both be called ete.*"Été" and "ETE"/],
    ['with a ragged record', 'id,n\n1,2\n2,3,4\n', /has 3 fields.*line 3/],
    ['with an open quote', 'id,n\n1,2\n2,"x\n', /quote.*line 3/],
    ['with a NUL', 'id,n\n1,a\n2,b\0\n', /column n holds a NUL character.*line 3/],
    [
      'without a key',
      'a,b\n1,x\n1,x\n1,y\n1,\n',
      /shows no key.*The nearest is a, which 2 of 3 records share.*declare/,
    ],
  ])('%s', async (_, content, said) => {
    expect(await refusal(content)).toMatch(said);
  });

  test.each(['', 'Flights', '1st', 'a_b', '../x', 'x'.repeat(33)])('under the name %j', async (name) => {
    expect(await refusal('id\n1\n', name)).toContain('is not a name for a dataset');
  });

  test('that is not there, or is a folder', async () => {
    await expect(learn('samples', join(folder, 'nowhere.csv'))).rejects.toThrow('cannot be read');
    await expect(learn('samples', folder)).rejects.toThrow('is not a file');
  });
});

test('any table at all is refused by name, or learnt so that it accepts itself', async () => {
  const cell = fc.oneof(
    fc.constantFrom(
      '',
      'NA',
      '-',
      '\\N',
      '\\.',
      '007',
      '1',
      '-5',
      '2.50',
      'true',
      '2013-02-01',
      '1e5',
      'null',
    ),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.integer().map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  );
  const table = fc.integer({ min: 1, max: 5 }).chain((width) => {
    const row = fc.array(cell, { minLength: width, maxLength: width });
    return fc.record({
      header: row,
      rows: fc.array(row, { minLength: 1, maxLength: 20 }),
      end: fc.constantFrom('\n', '\r\n'),
    });
  });
  let learnt = 0;
  await fc.assert(
    fc.asyncProperty(table, async ({ header, rows, end }) => {
      const quoted = (row: string[]) => row.map((text) => `"${text.replaceAll('"', '""')}"`).join(',');
      const path = await sample('any.csv', [header, ...rows].map(quoted).join(end) + end);
      const made = await learn('anything', path).catch((cause: unknown) => cause);
      if (made instanceof NightTrainError) return;
      if (made instanceof Error) throw made;
      const [checked] = await checkFiles(load(made as NewDataset), [path]);
      expect(checked).toMatchObject({ read: rows.length, valid: rows.length });
      learnt += 1;
    }),
    { numRuns: 300, seed: 2013 },
  );
  expect(learnt).toBeGreaterThan(50);
});
