import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openInstallation, type TestInstallation } from '../support/installation.ts';

/** A dozen commands and four nights, on a machine that may be busy with other tests. */
const PATIENCE_MS = 240_000;

/** What `generate --json` says of a dataset day. */
interface GeneratedDay {
  readonly dataset: string;
  readonly rows: number;
  readonly rejectedByRule: Readonly<Record<string, number>>;
  readonly deduplicated: number;
}
interface Generated {
  readonly files: readonly { readonly dataset: string; readonly file: string }[];
  readonly days: readonly GeneratedDay[];
  readonly drifted: Readonly<Record<string, readonly number[]>>;
}
interface Checked {
  readonly files: readonly { readonly rejectedByRule: Readonly<Record<string, number>> }[];
  readonly nights: readonly { readonly read: number; readonly rejected: number }[];
  readonly columns: readonly { readonly column: string; readonly min: string; readonly sum: string | null }[];
}

let here: TestInstallation;
beforeAll(async () => {
  here = await openInstallation();
  await here.up();
});
afterAll(() => here[Symbol.asyncDispose]());

const generate = (set: string, ...more: string[]) =>
  here.json<Generated>(['generate', set, '--seed', 'of the test', '--out', here.inbox, ...more]);

async function check(dataset: string, { files }: Generated): Promise<Checked> {
  const names = files.filter((file) => file.dataset === dataset).map(({ file }) => file);
  return here.json<Checked>(['dataset', 'check', dataset, ...names, '--stats']);
}

const sum = (numbers: Readonly<Record<string, number>>) =>
  Object.values(numbers).reduce((all, one) => all + one, 0);

function totalByRule({ files }: Checked): Record<string, number> {
  const total: Record<string, number> = {};
  for (const { rejectedByRule } of files)
    for (const [rule, rows] of Object.entries(rejectedByRule)) total[rule] = (total[rule] ?? 0) + rows;
  return total;
}

/** Without what the warehouse alone can find. */
function foundInFiles(rejectedByRule: Readonly<Record<string, number>>): Record<string, number> {
  const bySql = ['ambiguous-key', 'unknown-reference'];
  return Object.fromEntries(Object.entries(rejectedByRule).filter(([rule]) => !bySql.includes(rule)));
}

/** The counts of the only attempt at January. */
async function attemptOf(dataset: string): Promise<Record<string, unknown>> {
  const [row] = await here.ask(
    `select rows_read as read, rows_loaded as loaded, rows_rejected as rejected, rows_discarded as discarded,
       rows_deduplicated as deduplicated, rejected_by_rule as "rejectedByRule"
     from nighttrain.attempt where dataset = $1 and business_date = '2025-01-01'`,
    [dataset],
  );
  return row ?? {};
}

const driftFound = (date: string) =>
  here.ask(
    `select rows_found as rows, array(select (a->>'account_id')::int from jsonb_array_elements(sample) a order by 1) as accounts
     from nighttrain.audit_result where audit = 'balance-differs' and business_date = $1`,
    [date],
  );

/** What the attempt must say of a generated day. */
function promiseOf({ rows, rejectedByRule, deduplicated }: GeneratedDay): Record<string, unknown> {
  const rejected = sum(rejectedByRule);
  return {
    read: rows,
    loaded: rows - rejected - deduplicated,
    rejected,
    discarded: 0,
    deduplicated,
    rejectedByRule,
  };
}

describe('a generated set', () => {
  test(
    'of an insurer, 5 % of it bad, is rejected by a night just as it says, rule by rule',
    async () => {
      const made = await generate('insurance', '--rows', '20000', '--bad', '5', '--parts', '5', '--gzip');
      const [month] = made.days as [GeneratedDay];
      expect(await readdir(join(here.inbox, 'insurance-movements'))).toContain(
        '2025-01-01-00001-of-00005.csv.gz',
      );

      const checked = await check('insurance-movements', made);
      expect(totalByRule(checked)).toEqual(foundInFiles(month.rejectedByRule));
      expect(checked.nights).toMatchObject([
        { read: 20_000, rejected: sum(foundInFiles(month.rejectedByRule)) },
      ]);

      const night = await here.run(['run', 'insurance-movements', '--date', '2025-01-01']);
      expect(night).toMatchObject({ code: 0 });
      expect(await attemptOf('insurance-movements')).toEqual(promiseOf(month));
      const kept = await here.ask<{ rule: string; rows: number }>(
        `select rule, count(*)::int as rows from nighttrain.quarantine where dataset = 'insurance-movements' group by rule`,
      );
      expect(Object.fromEntries(kept.map(({ rule, rows }) => [rule, rows]))).toEqual(month.rejectedByRule);
    },
    PATIENCE_MS,
  );

  test(
    'of an insurer is refused under another day of its month, with the command to type instead',
    async () => {
      const elsewhere = join(here.inbox, 'insurance-movements', '2025-01-15.csv');
      const lines: readonly [line: string[], instead: string][] = [
        [['run', 'insurance-movements', '--date', '2025-01-15'], 'run insurance-movements --date 2025-01-01'],
        [
          ['replay', 'insurance-movements', '2025-01-15', '--reason', 'to see'],
          'replay insurance-movements 2025-01-01 --reason …',
        ],
        [
          ['dataset', 'check', 'insurance-movements', elsewhere],
          `dataset check insurance-movements ${elsewhere} --date 2025-01-01`,
        ],
        [
          ['dataset', 'check', 'insurance-movements', 'a.csv', '--date', '2025-01-15'],
          'dataset check insurance-movements a.csv --date 2025-01-01',
        ],
      ];
      for (const [line, instead] of lines) {
        const { code, stderr } = await here.run(line);
        expect({ code, stderr }).toMatchObject({
          code: 2,
          stderr: expect.stringContaining('its whole month is loaded as 2025-01-01') as unknown,
        });
        expect(stderr).toContain(`Name the first of the month: npx nighttrain ${instead}`);
      }
      expect(await here.ask(`select from nighttrain.run_fence where business_date = '2025-01-15'`)).toEqual(
        [],
      );
    },
    PATIENCE_MS,
  );

  test(
    'of an insurer that lacks days of its month loads, and the audit names as many as it lacks',
    async () => {
      await generate('insurance', '--rows', '20', '--from', '2025-04-01'); // thirty days
      expect(await here.run(['run', 'insurance-movements', '--date', '2025-04-01'])).toMatchObject({
        code: 0,
      });
      const found = await here.ask(
        `select rows_found as rows from nighttrain.audit_result
         where audit = 'day-without-movements' and business_date = '2025-04-01'`,
      );
      expect(found).toEqual([{ rows: 10 }]);
    },
    PATIENCE_MS,
  );

  test(
    'of a bank loads in its order; the audit finds the accounts that drift, and no other',
    async () => {
      const made = await generate('bank', '--rows', '10000', '--drift', '3', '--from', '2025-03-01');
      const stats = await check('bank-accounts', made);
      for (const dataset of ['bank-customers', 'bank-accounts', 'bank-transactions'])
        expect(await here.run(['run', dataset, '--date', '2025-03-01'])).toMatchObject({ code: 0 });
      expect(await driftFound('2025-03-01')).toEqual([{ rows: 3, accounts: made.drifted['2025-03-01'] }]);
      const [balances] = await here.ask<{ sum: string }>(
        'select sum(closing_balance)::text as sum from warehouse.bank_account',
      );
      expect(stats.columns.find(({ column }) => column === 'closing_balance')?.sum).toBe(balances?.sum);
    },
    PATIENCE_MS,
  );

  test(
    'of a bank, bad: SQL rejects transactions of unknown accounts, as it says; the audit finds who drifts, and no other',
    async () => {
      const made = await generate(
        'bank',
        '--rows',
        '10000',
        '--bad',
        '10',
        '--drift',
        '3',
        '--parts',
        '3',
        '--from',
        '2025-03-02',
      );
      const [day] = made.days as [GeneratedDay];
      expect(day.rejectedByRule['unknown-reference']).toBeGreaterThan(0);
      expect(totalByRule(await check('bank-transactions', made))).toEqual(foundInFiles(day.rejectedByRule));
      for (const dataset of ['bank-customers', 'bank-accounts', 'bank-transactions'])
        await here.run(['run', dataset, '--date', '2025-03-02']);
      const [attempt] = await here.ask(
        `select rows_rejected as rejected, rows_deduplicated as deduplicated, rejected_by_rule as "rejectedByRule"
         from nighttrain.attempt where dataset = 'bank-transactions' and business_date = '2025-03-02'`,
      );
      const { rejectedByRule, deduplicated } = day;
      expect(attempt).toEqual({ rejected: sum(rejectedByRule), rejectedByRule, deduplicated });
      expect(await driftFound('2025-03-02')).toEqual([{ rows: 3, accounts: made.drifted['2025-03-02'] }]);
    },
    PATIENCE_MS,
  );
});

describe('generate', () => {
  test('tells in one line on stderr how far it came, and on stdout what a night will make of it', async () => {
    const line = [
      'generate',
      'insurance',
      '--rows',
      '1000',
      '--seed',
      '1',
      '--bad',
      '10',
      '--out',
      join(here.home, 'a'),
    ];
    const { code, stdout, stderr } = await here.run(line);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^1 file in .*\/a: 1,000 rows, [\d,]+ a second, \d\d\.\d kB\n$/);
    expect(stdout).toMatch(
      /^insurance-movements of 2025-01-01: 1,000 rows, 100 damaged\n {2}damage: .*\n {2}a night will reject: /,
    );
  });

  test.each([
    [['weather', '--rows', '1'], /Allowed choices are insurance, bank/],
    [['bank', '--rows', '0'], /whole number from 1 to 100,000,000/],
    [['bank', '--rows', '1', '--bad', '101'], /a number from 0 to 100/],
    [['bank', '--rows', '1', '--parts', '1001'], /from 1 to 1,000/],
    [['bank', '--rows', '1', '--from', '2025-02-30'], /not a day of the calendar/],
    [['bank', '--rows', '1', '--from', '1999-12-31'], /Sets begin with the year 2000/],
    [['bank', '--rows', '1', '--from', '2025-02-02', '--to', '2025-02-01'], /before it begins/],
    [['insurance', '--rows', '1', '--drift', '1'], /insurance has none/],
  ])('%j is wrong usage, and told', async (words, message) => {
    const { code, stderr } = await here.run([
      'generate',
      ...words,
      '--seed',
      '1',
      '--out',
      join(here.home, 'b'),
    ]);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
    await expect(readdir(join(here.home, 'b'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a folder that cannot be made is wrong usage, said at once', async () => {
    const line = ['generate', 'bank', '--rows', '1', '--seed', '1', '--out', '/proc/nighttrain'];
    const { code, stderr } = await here.run(line);
    expect(stderr).toMatch(/\/proc\/nighttrain\/\S+ cannot be written/);
    expect(code).toBe(2);
  });
});
