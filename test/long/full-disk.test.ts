import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { InsuranceMonth } from '../support/insurance.ts';
import { openInstallation } from '../support/installation.ts';
import { until } from '../support/intake.ts';
import { SmallDisk } from '../support/small-disk.ts';
import { SmallTablespace } from '../support/small-tablespace.ts';

const MIB = 1024 * 1024;
const ROWS = 2_000_000;
const ROOM = 1024 * MIB;
/** Folders, and what attempts and alerts leave in tables, whatever becomes of a night. */
const LITTLE = 4 * MIB;
/** A night is over with its first part that fails; another that is at work hears of it by its next heartbeat. */
const SOON = { timeout: 10_000 };

test('a landing store that has no room for a month gives back what it took of it, between the tries and after the last; with room it loads', async () => {
  await using here = await openInstallation();
  const month = await InsuranceMonth.generate(here, '2025-01-01', ROWS);
  const bytes = await month.bytes();
  await using disk = await SmallDisk.mount(bytes * 0.7, { folder: join(here.home, 'landing') }); // three parts of five
  await here.up();
  expect(await month.run()).toMatchObject({
    state: 'failed',
    error: { name: 'LandingFull', message: 'The landing store is full', code: 'ENOSPC' },
  });
  expect(await disk.used()).toBeLessThan(LITTLE);
  await expect.poll(month.leftovers, SOON).toEqual([]);
  expect(await month.alerts()).toEqual(['disk-full']);

  const again = month.startReplay('perhaps there is room');
  await until(
    () => again.stderr.includes('extract failed: The landing store is full') || again.hasEnded,
    60_000,
  );
  await until(async () => (await disk.used()) < LITTLE, 30_000);
  await disk.resize(ROOM);
  expect(await again.answer()).toMatchObject({ code: 0 });
  expect(await month.loaded()).toBe(ROWS);
  expect(await month.alerts()).toEqual([]);
});

test('a landing store that has no room for what a month is sorted into keeps no part of a file; with room it loads', async () => {
  await using here = await openInstallation();
  const month = await InsuranceMonth.generate(here, '2025-01-01', ROWS, 25);
  const landing = join(here.home, 'landing');
  await using disk = await SmallDisk.mount((await month.bytes()) + 60 * MIB, { folder: landing });
  await here.up();
  expect(await month.run()).toMatchObject({
    state: 'failed',
    error: { name: 'LandingFull', message: 'The landing store is full', code: 'ENOSPC' },
  });
  await expect.poll(month.leftovers, SOON).toEqual([]);
  expect(await disk.used(), 'held by nobody but files that are whole').toBeLessThan(
    (await size(landing)) + LITTLE,
  );
  expect(await month.alerts()).toEqual(['disk-full']);

  await disk.resize(ROOM);
  expect(await month.replay('there is room', '--input', 'landing')).toMatchObject({ state: 'loaded' });
  expect(await month.loaded()).toBe(ROWS - month.rejected - month.deduplicated);
  expect(await month.alerts()).toEqual([]);
});

test('a PostgreSQL that has no room for a month (53100) gives back what it took of it between the tries; with room the next one loads', async () => {
  await using tablespace = await SmallTablespace.create(100 * MIB);
  await using here = await openInstallation(tablespace.name);
  await here.up();
  const month = await InsuranceMonth.generate(here, '2025-01-01', ROWS);
  const before = await tablespace.disk.used();
  const run = month.start();
  await until(() => run.stderr.includes('load failed') || run.hasEnded, 120_000);
  expect(run.stderr).toMatch(/load failed: .*No space left on device; try 2 of 5/);
  await until(async () => (await tablespace.disk.used()) < before + LITTLE, 30_000);
  expect(await month.loaded()).toBe(0);

  await tablespace.disk.resize(ROOM);
  expect(await run.answer()).toMatchObject({ code: 0 });
  expect(await month.loaded()).toBe(ROWS);
  expect(await month.attempts()).toMatchObject([{ state: 'loaded' }]);
});

test('an export of rejected rows that finds its disk full says so, and leaves no part of a file', async () => {
  await using here = await openInstallation();
  await using disk = await SmallDisk.mount(MIB / 2);
  await here.up();
  const month = await InsuranceMonth.generate(here, '2025-01-01', 20_000, 25);
  expect(await month.run()).toMatchObject({ state: 'loaded' });
  const file = join(disk.folder, 'rejected.csv');
  const answer = await here.run([
    'quarantine',
    'export',
    'insurance-movements',
    month.date,
    '--output',
    file,
  ]);
  expect(answer).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^There is no room left for the export\n.*rejected\.csv: ENOSPC\n/,
    ) as unknown,
  });
  expect(await readdir(disk.folder)).toEqual([]);
});

/** What the files below a folder hold, bytes. */
async function size(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}
