import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { SABOTAGES, type Sabotage } from './sabotage.ts';

interface Report {
  readonly runs: number;
  readonly violations: readonly {
    readonly fault: string;
    readonly seed: number;
    readonly violation: string;
  }[];
}

/** What `npm run chaos` reports, and its exit code. */
async function strikeNights(...args: string[]): Promise<Report & { readonly exitCode: number }> {
  const command = [
    '--import',
    import.meta.resolve('tsx'),
    resolve('test/chaos/driver.ts'),
    '--json',
    ...args,
  ];
  const run = promisify(execFile)(process.execPath, command, { maxBuffer: 64 * 1024 * 1024 });
  const { stdout, code = 0 } = (await run.catch((error: unknown) => error)) as {
    stdout: string;
    code?: number;
  };
  return { ...(JSON.parse(stdout) as Report), exitCode: code };
}

/** Where another rule is broken in consequence, and that is what the tables show. */
const NOTICED_BY: Partial<Record<Sabotage, RegExp>> = {
  R6: /^R[68]: /m, // a stale commit, by an attempt that was closed as cancelled
  R8: /^R[78]: /m, // a night that is recorded as loaded, and no ledger row
};

test('25 nights are struck by chance, and no rule is broken', { timeout: 400_000 }, async () => {
  const { exitCode, runs, violations } = await strikeNights('--runs', '25', '--seed', '1');
  expect({ exitCode, runs, violations }).toEqual({ exitCode: 0, runs: 25, violations: [] });
});

test.each(SABOTAGES)(
  'the fire notices that the mechanism of %s is missing',
  { timeout: 200_000 },
  async (rule) => {
    const report = await strikeNights(
      '--sabotage',
      rule,
      '--aimed',
      '--runs',
      '3',
      '--seed',
      '1',
      '--lanes',
      '1',
    );
    expect(report.exitCode).toBe(0);
    expect(report.violations.map(({ violation }) => violation).join('\n')).toMatch(
      NOTICED_BY[rule] ?? RegExp(`^${rule}: `, 'm'),
    );
  },
);
