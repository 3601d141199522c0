import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { Command } from '../support/installation.ts';

const demoFolders = async () =>
  (await readdir(tmpdir())).filter((name) => name.startsWith('nighttrain-demo-'));

test('the demo tells its eight chapters, every night ends as it should, and nothing of it is left', async () => {
  const before = await demoFolders();
  const demo = new Command(['demo'], process.env);
  const { code, stdout, stderr } = await demo.answer();
  expect(stderr).toBe('');
  expect(stdout).toContain('flights of 2013-02-08 is refused: 475 of 930 rows are rejected (51.1 %)');
  expect(stdout).toContain('Now: kill -9 of the worker.');
  expect(stdout).toMatch(/flights +2013-02-04 +loaded/);
  expect(stdout).toMatch(/All 8 chapters ended as they should, in \d+\.\d s\./);
  expect(code).toBe(0);
  expect(await demoFolders()).toEqual(before);
}, 180_000);
