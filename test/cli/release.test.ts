import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeSampleInbox } from '../../local/sample-inbox.ts';
import { openInstallation, type TestInstallation } from '../support/installation.ts';
import { unguarded } from '../support/unguarded.ts';

const DAY = ['flights', '2013-02-08'] as const;
const REASON = ['--reason', 'the carriers have sent what was missing'] as const;

let here: TestInstallation;
let file: string;
beforeAll(async () => {
  here = await openInstallation();
  file = join(here.home, 'corrected.csv');
  const days = { flights: ['2013-02-08', '2013-02-10'], lookups: [] };
  await Promise.all([here.up(), writeSampleInbox(here.inbox, days)]);
  await here.run(['run', 'flights', '--date', '2013-02-08']);
});
afterAll(() => here[Symbol.asyncDispose]());

const release = (...more: string[]) => here.run(['quarantine', 'release', ...DAY, ...REASON, ...more]);
const attempts = () => here.ask('select epoch, state from nighttrain.attempt order by epoch');

/** Such an answer: a sentence with all of these words on stderr, and no stack trace. */
function refusal(code: number, ...words: string[]) {
  const all = words.map((word) => `(?=[^]*${word})`).join('');
  return {
    code,
    stdout: '',
    stderr: expect.stringMatching(new RegExp(`^(?![^]*\\n +at )${all}`)) as unknown,
  };
}

/** What the command writes as a file to start from. */
async function template(): Promise<Record<string, string>[]> {
  const { code } = await here.run([
    'quarantine',
    'export',
    ...DAY,
    '--format',
    'corrections',
    '--output',
    file,
  ]);
  expect(code).toBe(0);
  return parse(await readFile(file, 'utf8'), { columns: true });
}

async function write(rows: readonly Record<string, string>[]): Promise<string[]> {
  const lines = [Object.keys(rows[0] ?? {}), ...rows.map((row) => Object.values(row))];
  await writeFile(file, lines.map((cells) => `${cells.join(',')}\n`).join(''));
  return ['--file', file];
}

describe('a corrected file that cannot be released is refused in a sentence, and nothing is begun', () => {
  test('one that is not there, is a folder, is empty or has another header', async () => {
    const before = await attempts();
    expect(await release('--file', join(here.home, 'nowhere.csv'))).toMatchObject(
      refusal(2, 'nowhere.csv cannot be read'),
    );
    expect(await release('--file', here.home)).toMatchObject(refusal(2, 'is not a file'));
    await writeFile(`${file}.gz`, gzipSync('part,record\n'));
    expect(await release('--file', `${file}.gz`)).toMatchObject(
      refusal(2, 'is compressed', 'Unpack it first'),
    );
    await writeFile(file, '');
    expect(await release('--file', file)).toMatchObject(refusal(2, 'must name part, record, year'));
    await writeFile(file, 'part,record,secret name\n1,1,x\n');
    const answer = await release('--file', file);
    expect(answer).toMatchObject(refusal(2, 'its first line must name part, record', 'format corrections'));
    expect(answer.stderr).not.toContain('secret name');
    const [row] = await template();
    await write([row ?? {}]);
    await writeFile(file, (await readFile(file, 'utf8')).split('\n')[0] ?? '');
    expect(await release('--file', file)).toMatchObject(refusal(2, 'has no row'));
    expect(await attempts()).toEqual(before);
  });

  test('one whose rows are ragged, blank, nobody’s or said twice, by their lines', async () => {
    const [first = {}, second = {}, third = {}] = await template();
    const blank = Object.fromEntries(Object.keys(first).map((name) => [name, '']));
    const rows = [
      first,
      first,
      { ...blank, part: '1', record: second['record'] ?? '' },
      { ...third, record: 'x' },
    ];
    await write(rows);
    await writeFile(file, `${await readFile(file, 'utf8')}1,2,3\n`);
    expect(await release('--file', file)).toMatchObject(
      refusal(
        2,
        '4 of its rows are wrong',
        'line 3 stands in for part 1 record \\d+, as line 2 does',
        'line 4 is left blank',
        'line 5 does not say which part and record',
        'line 6 has 3 fields',
      ),
    );
    const unknown = await release(...(await write([{ ...first, record: '99999' }])));
    expect(unknown).toMatchObject(
      refusal(2, '1 of 1 records', 'did not reject', 'part 1 record 99999', 'format corrections'),
    );
  });
});

describe('rejected rows', () => {
  test('cannot be released of a day that was never tried, or without a reason', async () => {
    const untried = await here.run(['quarantine', 'release', 'flights', '2013-02-20', ...REASON]);
    expect(untried).toMatchObject(refusal(1, 'no attempt was ever made'));
    expect(await here.run(['quarantine', 'release', ...DAY])).toMatchObject({ code: 2 });
  });

  test('are rehearsed: what would become of them, and nothing changes', async () => {
    const before = await attempts();
    const plain = await release('--dry-run');
    expect(plain.code).toBe(1);
    expect(plain.stdout).toContain('was rejected incomplete: 475 rejected again');
    const rows = (await template()).slice(0, 300).map((row) => ({
      ...row,
      dep_time: '1200',
      arr_time: '1300',
      arr_delay: '0',
      air_time: '50',
      dep_delay: '0',
    }));
    const corrected = await release('--dry-run', ...(await write(rows)));
    expect(corrected).toMatchObject({ code: 0 });
    expect(corrected.stdout).toContain('would be loaded: 755 of 1230 rows, 175 rejected, 300 discarded');
    expect(corrected.stdout).toContain('was rejected incomplete: 300 loaded, 175 rejected again');
    expect(await attempts()).toEqual(before);
    expect(await here.ask('select from nighttrain.quarantine_release')).toEqual([]);
  });

  test('are loaded with a corrected file, and it is told which row went where', async () => {
    const done = await release('--file', file);
    expect(done).toMatchObject({ code: 0 });
    expect(done.stdout).toContain('is loaded: 755 rows of 1230 read, 175 rejected, 300 discarded');
    const [told, document] = await Promise.all([
      here.run(['quarantine', 'releases', ...DAY, '--limit', '2']),
      here.json<{ releases: { counts: unknown[]; rows: unknown[] }[] }>(['quarantine', 'releases', ...DAY]),
    ]);
    expect(told.stdout).toMatch(
      /by a corrected file \(sha256 \w{12}…\).*what was missing\n {2}epoch \d+: loaded/,
    );
    expect(told.stdout).toContain('incomplete: 300 loaded, 175 rejected again');
    expect(told.stdout).toMatch(/part 1 record \d+ → part 2 record 1 \(incomplete\): loaded/);
    expect(told.stdout).toContain('473 more');
    expect(document.releases[0]?.rows).toHaveLength(20);
  });

  test('are not released twice by the same file', async () => {
    const before = await attempts();
    expect(await release('--file', file)).toMatchObject(
      refusal(2, 'This very file was released before', 'quarantine releases flights 2013-02-08'),
    );
    await writeFile(file, `${await readFile(file, 'utf8')}\n`);
    expect(await release('--file', file)).toMatchObject(refusal(2, 'record \\d+, corrected before'));
    expect(await attempts()).toEqual(before);
  });

  test('are not released while their day is being loaded', async () => {
    await here.ask(
      `insert into nighttrain.attempt (dataset, business_date, epoch, owner_run_id, workflow_id, kind)
       values ($1, $2, 99, 'r', 'load/flights/2013-02-08', 'run')`,
      [...DAY],
    );
    expect(await release()).toMatchObject(refusal(1, 'is being loaded', 'npx nighttrain cancel'));
    await unguarded(here.database, `delete from nighttrain.attempt where epoch = 99`);
  });

  test('are not released once their landing is gone', async () => {
    await rm(join(here.home, 'landing'), { recursive: true });
    expect(await release()).toMatchObject(refusal(1, 'Landing no longer keeps', 'NIGHTTRAIN_HOME'));
  });
});

test('a file to correct that cannot hold all rejected rows says how many there are, and why', async () => {
  const [header] = (await readFile(join(here.inbox, 'flights', '2013-02-10.csv'), 'utf8')).split('\n');
  await writeFile(join(here.inbox, 'flights', '2013-02-12.csv'), `${header}\n${'x\n'.repeat(100_050)}`);
  expect(await here.run(['run', 'flights', '--date', '2013-02-12'])).toMatchObject({ code: 1 });
  const line = ['quarantine', 'export', 'flights', '2013-02-12', '--format', 'corrections', '--output', file];
  const { code, stderr } = await here.run(line);
  expect(stderr).toContain(
    `100,000 of 100,050 rejected rows written to ${file}, because one file corrects the first 100,000 at most`,
  );
  expect(code).toBe(0);
}, 120_000);

test('R17: a file to correct shows personal columns only where that is asked for', async () => {
  const day = ['freight-movements', '2013-02-08'];
  await here.ask(
    `insert into nighttrain.attempt
       (dataset, business_date, epoch, owner_run_id, workflow_id, kind, state, rows_rejected, ended_at)
     values ($1, $2, 1, 'r', 'w', 'run', 'refused', 1, now())`,
    day,
  );
  const line = ['quarantine', 'export', ...day, '--format', 'corrections'];
  expect(await here.run(line)).toMatchObject(
    refusal(2, 'has personal columns', '--format corrections --raw'),
  );
});
