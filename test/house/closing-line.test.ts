import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const PASSES = `test('passes', () => {});`;
const FAILS = `test('fails', () => { throw new Error('on purpose'); });`;

test.each([
  ['a good run', { 'a.test.ts': PASSES + PASSES, 'b.test.ts': PASSES }, '3 passed, 0 failed'],
  ['a failed test', { 'a.test.ts': PASSES, 'b.test.ts': PASSES + FAILS }, '2 passed, 1 failed'],
  [
    'a file that does not load',
    { 'a.test.ts': PASSES, 'b.test.ts': `import './gone.ts';` },
    '1 passed, 1 failed',
  ],
  [
    'an error outside any test',
    { 'a.test.ts': `${PASSES} void Promise.reject(new Error('late'));` },
    '1 passed, 1 failed',
  ],
  ['a run that finds no tests', {}, '0 passed, 1 failed'],
])(
  'after %s the last line says so',
  async (_what, files, line) => {
    expect(await lastLineOfVitest(files)).toBe(line);
  },
  60_000,
);

async function lastLineOfVitest(files: Record<string, string>): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'nighttrain-line-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(
    join(folder, 'vitest.config.mjs'),
    `import { ClosingLine } from '${join(ROOT, 'test/support/closing-line.ts')}';
     export default { test: { reporters: ['default', new ClosingLine()] } };`,
  );
  for (const [name, source] of Object.entries(files))
    await writeFile(join(folder, name), `import { test } from 'vitest';\n${source}\n`);
  const stdout = await new Promise<string>((resolve) => {
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    execFile(process.execPath, [vitest, 'run'], { cwd: folder }, (_error, output) => resolve(output));
  });
  return stdout.trimEnd().split('\n').at(-1);
}
