import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import flights from '../../datasets/flights.ts';
import freightMovements from '../../datasets/freight-movements.ts';
import { checkFiles } from '../../intake/check-files.ts';
import { FigureGatherer } from '../../intake/column-figures.ts';
import { movementsOf } from '../../local/freight-api/movements.ts';
import { writeSampleInbox } from '../../local/sample-inbox.ts';
import type { BusinessDate } from '../../rules/business-date.ts';
import { bigint, csv, decimal, defineDataset, double, integer, text, timestamp } from '../../rules/kit.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nighttrain-check-'));
  await writeSampleInbox(folder, { flights: ['2013-02-01', '2013-02-08'], lookups: [] });
});
afterAll(() => rm(folder, { recursive: true }));

const people = defineDataset({
  name: 'people',
  about: 'Clients, for the test.',
  table: 'person',
  source: csv(),
  columns: {
    id: integer().orReject('no-id'),
    name: text({ max: 5 }).personal(),
    age: integer(),
  },
  key: ['id'],
  write: 'merge',
});

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe('checking files', () => {
  test('counts what a night would reject, by rule, and shows the first with their lines', async () => {
    const paths = ['2013-02-01', '2013-02-08'].map((day) => join(folder, 'flights', `${day}.csv`));
    const [good, storm] = await checkFiles(flights, paths, { samples: 2 });
    expect(good).toMatchObject({
      businessDate: '2013-02-01',
      read: 926,
      valid: 908,
      rejected: 18,
      discarded: 0,
    });
    expect(storm).toMatchObject({
      read: 930,
      valid: 455,
      rejected: 475,
      rejectedByRule: { incomplete: 475 },
    });
    expect(storm?.samples).toHaveLength(2);
    const [first] = storm?.samples ?? [];
    expect(first).toMatchObject({ rule: 'incomplete', reason: 'is missing', value: '' });
    expect(first?.line).toBe((first?.record ?? 0) + 1); // the header has line 1
  });

  test('discards rows of another day than the one asked for', async () => {
    const path = join(folder, 'flights', '2013-02-01.csv');
    const [checked] = await checkFiles(flights, [path], { businessDate: '2013-02-02' as BusinessDate });
    expect(checked).toMatchObject({ businessDate: '2013-02-02', read: 926, valid: 0, discarded: 926 });
  });

  test('takes rows of any day where neither the name nor the caller says one', async () => {
    const path = join(folder, 'flights', '2013-02-01.csv');
    const [dated] = await checkFiles(flights, [path]);
    const anyDay = await file('export.csv', await readFile(path, 'utf8'));
    const [checked] = await checkFiles(flights, [anyDay]);
    expect(checked).toMatchObject({ businessDate: null, read: 926, discarded: 0, valid: dated?.valid });
  });

  test('masks what may be personal: the cell, and the whole of a record that cannot be taken apart', async () => {
    const path = await file('people.csv', 'id,name,age\n1,Pauline,30\n2,Awa,old\n3,Zacharie\n,Jean,4\n');
    const [checked] = await checkFiles(people, [path]);
    expect(checked?.samples).toEqual([
      {
        record: 1,
        line: 2,
        column: 'name',
        rule: 'too-long',
        reason: expect.any(String) as string,
        value: '***',
      },
      {
        record: 2,
        line: 3,
        column: 'age',
        rule: 'not-an-integer',
        reason: 'is not a whole number',
        value: 'old',
      },
      {
        record: 3,
        line: 4,
        column: null,
        rule: 'ragged-record',
        reason: expect.any(String) as string,
        value: '***',
      },
      { record: 4, line: 5, column: 'id', rule: 'no-id', reason: 'is missing', value: '' },
    ]);
    expect(JSON.stringify(checked)).not.toMatch(/Pauline|Zacharie/);
  });

  test('shows at most ten rejected records, and of each value at most 200 characters', async () => {
    const path = await file('many.csv', `id,name,age\n${`1,a,${'x'.repeat(500)}\n`.repeat(50)}`);
    const [checked] = await checkFiles(people, [path]);
    expect(checked?.rejected).toBe(50);
    expect(checked?.samples).toHaveLength(10);
    expect(checked?.samples[0]?.value).toHaveLength(201);
  });

  test('asked for a sample, shows some of every rule and some sound rows, personal cells masked', async () => {
    const rows = ['1,Ann,30', '2,Bob,', 'x,Cid,1', 'y,Dan,1', ',Eve,1', '3,Fay,2', '4,Gil,3'];
    const path = await file('sample.csv', `id,name,age\n${rows.join('\n')}\n`);
    const [checked] = await checkFiles(people, [path], { sample: 1 });
    expect(checked?.samples.map(({ record, rule }) => [record, rule])).toEqual([
      [3, 'not-an-integer'],
      [5, 'no-id'],
    ]);
    expect(checked?.rows).toEqual([{ id: '1', name: '***', age: '30' }]);
    const [unasked] = await checkFiles(people, [path]);
    expect(unasked?.rows).toEqual([]);
  });

  test('gathers ranges and sums of the sound rows of all files, packed ones too', async () => {
    const one = await file('one.csv', 'id,name,age\n7,Ann,30\n-2,Zoe,\nx,Bob,1000\n');
    const two = join(folder, 'two.csv.gz');
    await writeFile(two, gzipSync('id,name,age\n2147483647,Cid,5\n'));
    const figures = new FigureGatherer(people);
    await checkFiles(people, [one, two], { figures });
    expect(figures.figures()).toEqual([
      { column: 'id', type: 'integer', missing: 0, min: '-2', max: '2147483647', sum: '2147483652' },
      { column: 'name', type: 'text', missing: 0, min: '***', max: '***', sum: null },
      { column: 'age', type: 'integer', missing: 1, min: '5', max: '30', sum: '35' },
    ]);
  });

  test('reads pages of an API for a dataset that comes from one', async () => {
    const [bad, ...good] = movementsOf('2025-06-01' as BusinessDate, 'a seed');
    const data = [{ ...bad, tonnes: 'heavy' }, ...good];
    const path = await file('2025-06-01.json', JSON.stringify({ data, next_cursor: null }));
    const [checked] = await checkFiles(freightMovements, [path]);
    expect(checked).toMatchObject({ read: 2_000, valid: 1_999, rejectedByRule: { 'not-a-decimal': 1 } });
    expect(checked?.samples).toMatchObject([{ record: 1, line: null, column: 'tonnes', value: 'heavy' }]);
  });

  test.each<[string, string, string]>([
    ['a missing column', 'id,name\n1,a\n', 'SourceContractBroken'],
    ['an empty file', '', 'SourceContractBroken'],
  ])('%s breaks the contract by name', async (_, content, name) => {
    await expect(checkFiles(people, [await file('broken.csv', content)])).rejects.toMatchObject({ name });
  });

  test.each(['{"data": [', '{"rows": []}', '<html>'])('a page that is %s is no page', async (content) => {
    const path = await file('broken.json', content);
    await expect(checkFiles(freightMovements, [path])).rejects.toMatchObject({ name: 'SourceBroken' });
  });

  test('a file that is not there, or is a folder, is a mistake of usage', async () => {
    await expect(checkFiles(people, [join(folder, 'none.csv')])).rejects.toMatchObject({
      name: 'UsageError',
    });
    await expect(checkFiles(people, [folder])).rejects.toMatchObject({ name: 'UsageError' });
  });

  test('stops when it is told to', async () => {
    const path = join(folder, 'flights', '2013-02-01.csv');
    const reason = new Error('enough');
    await expect(checkFiles(flights, [path], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('ranges and sums', () => {
  const columns = {
    money: decimal({ precision: 38, scale: 2 }),
    count: bigint(),
    ratio: double(),
    at: timestamp(),
    word: text(),
  };

  function figuresOf(...rows: (string | null)[][]) {
    const gatherer = new FigureGatherer({ columns });
    for (const row of rows) gatherer.add(row);
    return gatherer.figures().map(({ min, max, sum }) => [min, max, sum]);
  }

  test('of numbers are exact beyond what a double holds', () => {
    const rows = [
      ['9007199254740993.01', '9223372036854775807', '0.5', null, null],
      ['-0.02', '9223372036854775807', '-1e+20', null, null],
    ];
    expect(figuresOf(...rows).slice(0, 3)).toEqual([
      ['-0.02', '9007199254740993.01', '9007199254740992.99'],
      ['9223372036854775807', '9223372036854775807', '18446744073709551614'],
      ['-100000000000000000000', '0.5', '-100000000000000000000'],
    ]);
  });

  test('of instants are in the order of time, fractions of seconds too', () => {
    const instants = ['2024-01-01 10:00:00.5+00', '2024-01-01 10:00:00+00', '2024-01-01 10:00:01+00'];
    expect(figuresOf(...instants.map((at) => [null, null, null, at, 'x'.repeat(100)]))).toEqual([
      [null, null, null],
      [null, null, null],
      [null, null, null],
      [instants[1], instants[2], null],
      [`${'x'.repeat(60)}…`, `${'x'.repeat(60)}…`, null],
    ]);
  });
});
