import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { BenchHouse } from '../../bench/house.ts';

let temporary: string;
beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'nighttrain-measured-'));
  await chmod(temporary, 0o755); // where root measures, PostgreSQL runs as somebody else
  vi.stubEnv('TMPDIR', temporary);
  for (const name of ['NIGHTTRAIN_HOME', 'NIGHTTRAIN_INBOX']) vi.stubEnv(name, ''); // a measurement sets them: put back
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(temporary, { recursive: true });
});

const ours = async () => (await readdir(temporary)).filter((name) => name.startsWith('nighttrain-'));

test('a measurement leaves nothing in the temporary folder, also not the data that PostgreSQL had to keep elsewhere', async () => {
  const house = await BenchHouse.open();
  expect(await ours()).not.toEqual([]);
  await house[Symbol.asyncDispose]();
  expect(await ours()).toEqual([]);
}, 300_000);
