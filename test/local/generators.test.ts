import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import bankAccounts from '../../datasets/bank-accounts.ts';
import bankCustomers from '../../datasets/bank-customers.ts';
import bankTransactions from '../../datasets/bank-transactions.ts';
import insuranceMovements from '../../datasets/insurance-movements.ts';
import { checkFiles } from '../../intake/check-files.ts';
import { KINDS } from '../../local/generators/flaws.ts';
import { datesOfSet, generate, type GenerateOptions } from '../../local/generators/generate.ts';
import { dayOf } from '../support/intake.ts';

const DATASETS = [insuranceMovements, bankCustomers, bankAccounts, bankTransactions];
/** Found by the warehouse alone: rows of one file do not tell. */
const BY_SQL = ['ambiguous-key', 'unknown-reference'];

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'nighttrain-generated-'));
});
afterAll(() => rm(root, { recursive: true }));

const untold = () => undefined;

/** Into a folder of its own. */
async function generated(options: Partial<GenerateOptions>) {
  const out = await mkdtemp(join(root, 'inbox-'));
  const all: GenerateOptions = {
    set: 'insurance',
    rows: 5_000,
    seed: 'a seed',
    drift: 0,
    out,
    dates: [dayOf('2025-02-01')],
    parts: 1,
    gzip: false,
    badPercent: 0,
    ...options,
  };
  return { out, ...(await generate(all, new AbortController().signal, untold)) };
}

/** Name and checksum of every file. */
async function printOf({ files }: { readonly files: readonly { readonly file: string }[] }) {
  const print: Record<string, string> = {};
  for (const { file } of files) print[basename(file)] = sha256(await readFile(file));
  return print;
}

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

async function linesOf(file: string): Promise<string[]> {
  const bytes = await readFile(file);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1');
  return text.trimEnd().split('\n');
}

describe.each(['insurance', 'bank'] as const)('the set %s', (set) => {
  test('is the same to the byte for the same seed, damage and all, and another one for another', async () => {
    const options = { set, parts: 3, badPercent: 5, drift: set === 'bank' ? 2 : 0 };
    const first = await printOf(await generated(options));
    expect(await printOf(await generated(options))).toEqual(first);
    const other = await printOf(await generated({ ...options, seed: 'another seed' }));
    expect(Object.values(other).filter((sum) => Object.values(first).includes(sum))).toEqual([]);
  });

  test('holds the same rows in any number of parts, packed or not', async () => {
    const whole = await generated({ set });
    const parts = await generated({ set, parts: 4, gzip: true });
    const dataset = whole.files[0]?.dataset;
    const files = parts.files.filter((file) => file.dataset === dataset);
    expect(files.map(({ file }) => basename(file))).toEqual(
      [1, 2, 3, 4].map((part) => `2025-02-01-0000${part}-of-00004.csv.gz`),
    );
    const [[header, ...rows] = [], ...cut] = await Promise.all(
      [whole.files[0]?.file ?? '', ...files.map(({ file }) => file)].map(linesOf),
    );
    expect(cut.map(([first]) => first)).toEqual(cut.map(() => header));
    expect(cut.flatMap(([, ...some]) => some)).toEqual(rows);
  });

  test('is sound without damage: its datasets reject and discard no row of it', async () => {
    const { files } = await generated({
      set,
      parts: 2,
      dates: datesOfSet(set, dayOf('2024-02-01'), dayOf('2024-02-03')),
    });
    for (const { dataset: name, file, rows } of files) {
      const dataset = DATASETS.find((one) => one.name === name);
      if (!dataset) throw new Error(`there is no dataset ${name}`);
      const [checked] = await checkFiles(dataset, [file]);
      expect(checked).toMatchObject({ read: rows, valid: rows, warnings: [] });
    }
  });

  test('is damaged in just as many rows as it was asked to, in every way, and says by which rule they fall', async () => {
    const { files, days } = await generated({ set, rows: 20_000, parts: 3, badPercent: 5 });
    const [facts, ...others] = days;
    expect(facts?.damaged).toBe(999); // of 6666, 6667 and 6667 rows, rounded down in each part
    expect(Object.keys(facts?.kinds ?? {}).toSorted()).toEqual([...KINDS].toSorted());
    expect(Object.values(facts?.kinds ?? {}).reduce((sum, rows) => sum + rows, 0)).toBe(999);
    expect(others.every(({ damaged }) => damaged === 0)).toBe(true);
    const dataset = set === 'insurance' ? insuranceMovements : bankTransactions;
    const paths = files.filter((file) => file.dataset === dataset.name).map(({ file }) => file);
    const found: Record<string, number> = {};
    let read = 0;
    for (const checked of await checkFiles(dataset, paths)) {
      read += checked.read;
      for (const [rule, rows] of Object.entries(checked.rejectedByRule))
        found[rule] = (found[rule] ?? 0) + rows;
    }
    expect(read).toBe(20_000);
    const promised = Object.entries(facts?.rejectedByRule ?? {}).filter(([rule]) => !BY_SQL.includes(rule));
    expect(found).toEqual(Object.fromEntries(promised));
  });

  test('may be bad from its first row to its last', async () => {
    const { days } = await generated({ set, rows: 500, badPercent: 100 });
    expect(days[0]).toMatchObject({ rows: 500, damaged: 500, deduplicated: 0 }); // nothing sound is left to copy
  });

  test('is known to be cut wherever it is cut but between two rows', async () => {
    const { files } = await generated({ set, rows: 50 });
    for (const { dataset: name, file } of files) {
      const dataset = DATASETS.find((one) => one.name === name) ?? insuranceMovements;
      const bytes = await readFile(file);
      for (let lost = 1; lost < 60; lost++) {
        const rest = bytes.subarray(0, -lost);
        if (rest.at(-1) === 10) continue;
        const cut = join(root, `2025-02-01.${name}-cut.csv`);
        await writeFile(cut, rest);
        await expect(checkFiles(dataset, [cut]), `without its last ${lost} bytes`).rejects.toMatchObject({
          name: 'SourceBroken',
        });
      }
    }
  });

  test('told to stop, leaves whole files alone', async () => {
    const abort = new AbortController();
    const out = await mkdtemp(join(root, 'inbox-'));
    const reason = new Error('enough');
    const options = { set, rows: 200_000, seed: '1', drift: 0, out, parts: 4, gzip: false, badPercent: 0 };
    let file = '';
    const work = generate({ ...options, dates: [dayOf('2025-02-01')] }, abort.signal, (written) => {
      file = written.file;
      if (written.rows > 60_000) abort.abort(reason);
    });
    await expect(work).rejects.toBe(reason);
    const names = (await readdir(out, { recursive: true })).filter((name) => name.includes('.csv'));
    expect(names.map((name) => basename(name))).toEqual(['2025-02-01-00001-of-00004.csv']);
    expect(basename(file)).toBe('2025-02-01-00002-of-00004.csv');
  });
});

test('months have the days and keys of their own', async () => {
  expect(datesOfSet('insurance', dayOf('2024-01-15'), dayOf('2024-03-02'))).toEqual([
    '2024-01-01',
    '2024-02-01',
    '2024-03-01',
  ]);
  const { files } = await generated({ rows: 1_000, dates: [dayOf('2024-02-01'), dayOf('2024-03-01')] });
  const [february, march] = await Promise.all(files.map(({ file }) => linesOf(file)));
  const days = new Set(february?.slice(1).map((line) => line.split(',')[1]));
  expect([days.size, [...days].at(-1)]).toEqual([29, '2024-02-29']);
  const keys = [...(february?.slice(1) ?? []), ...(march?.slice(1) ?? [])].map((line) => line.split(',')[0]);
  expect(new Set(keys).size).toBe(2_000);
});

test('all nineteen types of movement come, each product and each country', async () => {
  const { files } = await generated({ rows: 20_000 });
  const cells = (await readFile(files[0]?.file ?? '', 'utf8'))
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
  const kinds = (index: number) => new Set(cells.map((row) => row[index])).size;
  expect([kinds(2), kinds(3), kinds(5), kinds(6)]).toEqual([4, 19, 250, 5]);
});

describe('a bank', () => {
  const dates = ['2025-02-01', '2025-02-02', '2025-02-03'].map(dayOf);

  /** Accounts whose opening balance and transactions of the day do not make their closing balance. */
  async function disagreeing(out: string, date: string): Promise<number[]> {
    const moved = new Map<string, number>();
    for (const line of (await linesOf(join(out, 'bank-transactions', `${date}.csv`))).slice(1)) {
      const [, , account = '', , amount = ''] = line.split(',');
      moved.set(account, (moved.get(account) ?? 0) + centsOf(amount));
    }
    const wrong: number[] = [];
    for (const line of (await linesOf(join(out, 'bank-accounts', `${date}.csv`))).slice(1)) {
      const [account = '', , , , opening = '', closing = '', on] = line.split(',');
      expect(moved.has(account) && on !== date, 'moved without saying so').toBe(false);
      const sum = on === date ? centsOf(opening) + (moved.get(account) ?? 0) : centsOf(opening);
      if (sum !== centsOf(closing)) wrong.push(Number(account));
    }
    return wrong;
  }
  const centsOf = (amount: string) => Math.round(Number(amount) * 100);

  test('has balances that its transactions explain, day after day', async () => {
    const { out } = await generated({ set: 'bank', rows: 400, dates });
    for (const date of dates) expect(await disagreeing(out, date)).toEqual([]);
    const balances = async (date: string) =>
      new Map(
        (await linesOf(join(out, 'bank-accounts', `${date}.csv`)))
          .slice(1)
          .map((line) => line.split(','))
          .map(([account, , , , opening, closing, on]) => [account, { opening, closing, on }]),
      );
    const [first, second] = [await balances('2025-02-01'), await balances('2025-02-02')];
    const moved = [...second].filter(([, { on }]) => on === '2025-02-02');
    expect(moved.length).toBeGreaterThan(10);
    for (const [account, { opening }] of moved) expect(opening).toBe(first.get(account)?.closing);
  });

  test('drifts in just the accounts that it names', async () => {
    const { out, drifted } = await generated({ set: 'bank', rows: 4_000, dates, drift: 5 });
    for (const date of dates) {
      expect(drifted[date]).toHaveLength(5);
      expect(await disagreeing(out, date)).toEqual(drifted[date]);
    }
  });

  test('cannot drift in more accounts than it has', async () => {
    await expect(generated({ set: 'bank', rows: 20, drift: 11 })).rejects.toMatchObject({
      name: 'UsageError',
      message: 'Of 10 accounts, which have 20 transactions a day, 11 cannot drift',
    });
  });
});

test('a folder that cannot be written to is named', async () => {
  const out = join(root, 'a-file');
  await writeFile(out, '');
  await expect(generated({ out })).rejects.toMatchObject({ name: 'UsageError', detail: 'ENOTDIR' });
});
