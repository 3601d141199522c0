import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** Files that the house forbids, each with the rule that must say so. A rule that is silent here is switched off. */
const FORBIDDEN: readonly [file: string, source: string, rule: string][] = [
  ...crossings('rules', ['../intake/landing.ts', '../warehouse/copy.ts', 'node:crypto', 'axios', 'zod']),
  ...crossings('datasets', ['../rules/errors.ts', './airports.ts', 'axios', '../intake/csv.ts']),
  ...crossings('workflows', ['node:fs', 'axios', 'typeorm', '../intake/landing.ts', '../warehouse/copy.ts']),
  ...crossings('workflows', ['../activities/index.ts', '../activities/load.ts', '../worker/config.ts']),
  ...crossings('workflows', ['../activities/requests.ts']),
  ...crossings('workflows', ['@temporalio/activity', '@temporalio/client', '@temporalio/worker', 'twilio']),
  ...crossings('intake', ['../warehouse/copy.ts', '../activities/load.ts', '../worker/config.ts', 'twilio']),
  ...crossings('intake', [
    '@temporalio/activity',
    '@temporalio/client',
    'node:process',
    '../local/postgres.ts',
  ]),
  ...crossings('warehouse', [
    '../intake/landing.ts',
    '../alerting/archive/archive.ts',
    '../cli/main.ts',
    'twilio',
  ]),
  ...crossings('warehouse/entities', [
    '../../intake/landing.ts',
    '../../worker/config.ts',
    '@temporalio/common',
  ]),
  ...crossings('alerting', ['../intake/landing.ts', '../activities/load.ts', '@temporalio/activity']),
  ...crossings('alerting/channels', [
    '../../intake/landing.ts',
    '../../activities/load.ts',
    '@temporalio/worker',
  ]),
  ...crossings('activities', ['../worker/deps.ts', '../workflows/messages.ts', '../cli/main.ts', 'twilio']),
  ...crossings('activities', ['../local/temporal.ts', '@temporalio/workflow', '@temporalio/worker']),
  ...crossings('worker', ['../cli/main.ts', '../local/temporal.ts', '../workflows/load-day.ts', 'twilio']),
  ...crossings('worker', ['../test/support/house.ts', '../datasets/flights.ts', '@temporalio/activity']),
  ...crossings('local', ['../warehouse/copy.ts', '../intake/landing.ts', '../worker/run.ts', 'twilio']),
  ...crossings('local', ['../cli/main.ts', '@temporalio/activity', '@temporalio/workflow']),
  ...crossings('cli', ['../test/support/house.ts', '../bench/run.ts', 'twilio', '@temporalio/activity']),
  ...crossings('bench', ['../test/support/house.ts', 'twilio', '@temporalio/activity', 'node:process']),
  ['workflows/value-as-export.ts', `export { load } from '../activities/index.ts';`, 'no-restricted-imports'],
  ['workflows/value-by-import.ts', `await import('../activities/index.ts');`, 'no-restricted-imports'],
  ['workflows/type-elsewhere.ts', `import type { A } from '../intake/landing.ts';`, 'no-restricted-imports'],
  ['worker/config.ts', `import '../cli/main.ts';`, 'no-restricted-imports'],
  ['worker/environment.ts', `export const home = process.env['HOME'];`, 'no-process-env'],
  ['local/environment.ts', `export const { env } = process;`, 'no-restricted-properties'],
  ['cli/environment.ts', `export const { env } = globalThis.process;`, 'no-restricted-properties'],
  ['intake/silent.ts', `console.log('read');`, 'no-console'],
  ['cli/silent.ts', `console.log('read');`, 'no-console'],
  ['warehouse/default.ts', `export default 1;`, 'no-default-export'],
  ['intake/cycle-a.ts', `import { b } from './cycle-b.ts';\nexport const a = (): number => b();`, 'no-cycle'],
  ['intake/cycle-b.ts', `import { a } from './cycle-a.ts';\nexport const b = (): number => a();`, 'no-cycle'],
  ['workflows/side-effect.ts', `import { type A } from '../rules/a.ts';`, 'no-import-type-side-effects'],
  ['intake/floating.ts', `export const go = (p: Promise<void>): void => {\n  p;\n};`, 'no-floating-promises'],
  ['intake/misused.ts', `export const go = (p: Promise<1>): 1 | 0 => (p ? 1 : 0);`, 'no-misused-promises'],
  ['intake/awaited.ts', `export const go = async (n: number): Promise<number> => await n;`, 'await-thenable'],
  ['intake/unsafe.ts', `export const go = (t: string): string => JSON.parse(t);`, 'no-unsafe-return'],
  [
    'intake/unsafe-member.ts',
    `export const go = (t: string): unknown => JSON.parse(t).x;`,
    'no-unsafe-member-access',
  ],
  ['intake/any.ts', `export const go = (value: any): unknown => value;`, 'no-explicit-any'],
  ['intake/switch.ts', forgetfulSwitch(), 'switch-exhaustiveness-check'],
  ['intake/thrown.ts', `export const go = (): never => {\n  throw 'text';\n};`, 'only-throw-error'],
];

/** Files that the house allows: a boundary that forbids too much is found here. */
const ALLOWED: readonly [file: string, source: string][] = [
  ...passages('rules', ['./counts.ts']),
  ...passages('datasets', ['../rules/kit.ts']),
  ...passages('workflows', [
    './messages.ts',
    '../rules/errors.ts',
    '@temporalio/workflow',
    '@temporalio/common',
  ]),
  ...passages('intake', ['./landing.ts', '../rules/errors.ts', 'axios', 'csv-parse', 'node:fs/promises']),
  ...passages('warehouse', ['./copy.ts', './entities/attempt.ts', '../rules/errors.ts', 'typeorm', 'pg']),
  ...passages('warehouse/entities', ['../policy.ts', './batch.ts', '../../rules/errors.ts', 'typeorm']),
  ...passages('alerting', [
    '../rules/errors.ts',
    '../warehouse/history.ts',
    'twilio',
    'twilio/lib/rest/Twilio',
  ]),
  ...passages('alerting/channels', [
    './message.ts',
    '../redact.ts',
    '../paging/on-call.ts',
    '../../rules/a.ts',
  ]),
  ...passages('activities', ['../rules/errors.ts', '../intake/csv.ts', '../warehouse/copy.ts']),
  ...passages('activities', ['../alerting/archive/archive.ts', '@temporalio/activity', '@temporalio/common']),
  ...passages('worker', [
    './log.ts',
    '../activities/index.ts',
    '../workflows/messages.ts',
    '@temporalio/worker',
  ]),
  ...passages('worker', [
    '../warehouse/copy.ts',
    '../intake/csv.ts',
    '../alerting/archive/archive.ts',
    'pino',
  ]),
  ...passages('local', ['../rules/errors.ts', '../worker/config.ts', 'fastify']),
  ...passages('local/freight-api', ['../ports.ts', '../../rules/errors.ts']),
  ...passages('cli', [
    '../worker/run.ts',
    '../local/postgres.ts',
    '../warehouse/copy.ts',
    '../rules/errors.ts',
  ]),
  ...passages('bench', ['./house.ts', '../cli/day-end.ts', '../local/postgres.ts', '../worker/run.ts']),
  [
    'workflows/types.ts',
    `import type { Activities } from '../activities/index.ts';\nexport type A = Activities;`,
  ],
  ['workflows/request-types.ts', `export type { A } from '../activities/requests.ts';`],
  ['worker/config.ts', `import '../local/postgres.ts';\nexport const home = process.env['HOME'];`],
  ['cli/output.ts', `console.log('one line');`],
  ['datasets/default.ts', `export default 1;`],
  ['vitest.config.ts', `export default {};`],
  ['test/house/any-folder.ts', `import '../../cli/main.ts';\nconsole.log(process.env['HOME']);`],
];

const ROOT = join(import.meta.dirname, '../..');

let reported: ReadonlyMap<string, readonly string[]>;
let allowed: ReadonlyMap<string, readonly string[]>;
const folders: string[] = [];

beforeAll(async () => {
  [reported, allowed] = await Promise.all([lint(FORBIDDEN), lint(ALLOWED)]);
}, 60_000);

afterAll(async () => {
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
});

describe('the linter keeps the house in order', () => {
  test.each(FORBIDDEN)('%s is reported: %s', (file, _source, rule) => {
    expect(reported.get(file)).toContain(rule);
  });

  test.each(ALLOWED)('%s is no violation: %s', (file) => {
    expect(allowed.get(file) ?? []).toEqual([]);
  });

  test('the tree itself crosses no boundary', async () => {
    const crossed = (await oxlint(ROOT)).filter(({ code }) => code?.includes('no-restricted-imports'));
    expect(crossed).toEqual([]);
  });
});

/** One file for each forbidden specifier, so that no import hides behind another. */
function crossings(folder: string, specifiers: string[]): [string, string, string][] {
  return passages(folder, specifiers).map(([file, source]) => [file, source, 'no-restricted-imports']);
}

function passages(folder: string, specifiers: string[]): [string, string][] {
  return specifiers.map((name) => [
    `${folder}/imports-${name.replaceAll(/\W+/g, '-')}.ts`,
    `import '${name}';`,
  ]);
}

function forgetfulSwitch(): string {
  return `export function go(kind: 'a' | 'b'): number {
  switch (kind) {
    case 'a':
      return 1;
  }
  return 0;
}`;
}

/** Plants the files in a project with the house's own configuration; the rules reported, by file. */
async function lint(
  files: readonly (readonly [string, string, ...string[]])[],
): Promise<Map<string, string[]>> {
  const folder = await mkdtemp(join(tmpdir(), 'nighttrain-lint-'));
  folders.push(folder);
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json'])
    await cp(join(ROOT, name), join(folder, name));
  for (const [file, source] of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), `${source}\n`);
  }
  return byFile(await oxlint(folder));
}

interface Diagnostic {
  readonly code?: string;
  readonly filename: string;
}

async function oxlint(folder: string): Promise<Diagnostic[]> {
  const output = await new Promise<string>((resolve, reject) => {
    const args = ['node_modules/oxlint/bin/oxlint', '--type-aware', '--format', 'json'];
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error && stdout === '') reject(new Error(`oxlint did not run: ${stderr}`, { cause: error }));
      else resolve(stdout);
    });
  });
  return (JSON.parse(output) as { diagnostics: Diagnostic[] }).diagnostics;
}

function byFile(diagnostics: readonly Diagnostic[]): Map<string, string[]> {
  const rules = new Map<string, string[]>();
  for (const { code = '', filename } of diagnostics) {
    const rule = /\((.+)\)/.exec(code)?.[1] ?? code; // 'eslint(no-console)'
    rules.set(filename, [...(rules.get(filename) ?? []), rule]);
  }
  return rules;
}
