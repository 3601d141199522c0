import { copyFile, open, rename, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InsuranceMonth } from '../support/insurance.ts';
import { openInstallation, type TestInstallation } from '../support/installation.ts';

const ROWS = 2_000_000;
const BAD_PERCENT = 1;
/** A night is over with its first part that fails; another that is at work hears of it by its next heartbeat. */
const SOON = { timeout: 10_000 };

let here: TestInstallation;
beforeAll(async () => {
  here = await openInstallation();
  await here.up();
});
afterAll(() => here[Symbol.asyncDispose]());

/** Renames a column in a file's header. */
async function renameColumn(file: string): Promise<void> {
  await using handle = await open(file, 'r+');
  const { buffer } = await handle.read(Buffer.alloc(200), 0, 200, 0);
  await handle.write('somme_x', buffer.indexOf('montant')); // as long as it was
}

test.each([
  {
    what: 'whose last part is cut in mid-row',
    date: '2025-02-01',
    spoil: async (last: string) => truncate(last, (await stat(last)).size - 20),
    error: { name: 'SourceBroken', detail: /part-00005\.csv, line \d+: its line has no end/ },
    alert: 'source-contract-broken',
    isRead: true,
  },
  {
    what: 'of which a part is missing',
    date: '2025-03-01',
    spoil: async (last: string) => rm(last),
    error: { name: 'SourceNotReady', detail: /2025-03-01-00005-of-00005\.csv/ },
    alert: 'source-down',
    isRead: false,
  },
  {
    what: 'with the same part twice',
    date: '2025-04-01',
    spoil: async (last: string, before: string) => copyFile(before, last),
    error: { name: 'SourceBroken', detail: /00004-of-00005\.csv and .*00005-of-00005\.csv: sha256/ },
    alert: 'source-contract-broken',
    isRead: false,
  },
  {
    what: 'with a part of another header',
    date: '2025-05-01',
    spoil: async (last: string) => renameColumn(last),
    error: { name: 'SourceContractBroken', detail: /part-00005\.csv, line 1: .*somme_x/ },
    alert: 'source-contract-broken',
    isRead: true,
  },
])(
  'R1, R5: a month of two million rows $what fails by name and leaves nothing half done; the right file loads it',
  async ({ date, spoil, error, alert, isRead }) => {
    const month = await InsuranceMonth.generate(here, date, ROWS, BAD_PERCENT);
    const sound = join(here.home, 'sound.csv');
    await copyFile(month.part(5), sound);
    await spoil(month.part(5), month.part(4));
    expect(await month.run()).toMatchObject({
      state: 'failed',
      error: { name: error.name, detail: expect.stringMatching(error.detail) as unknown },
    });
    await expect.poll(month.leftovers, SOON).toEqual([]);
    expect(await month.attempts()).toMatchObject([
      { state: 'failed', loadId: null, error: { name: error.name } },
    ]);
    expect(await month.alerts()).toEqual([alert]);
    expect((await month.quarantined()) > 0, 'rows of the parts that were read').toBe(isRead);

    await rename(sound, month.part(5));
    expect(await month.replay('the part was sent again')).toMatchObject({ state: 'loaded' });
    const { rows, rejected, deduplicated } = month;
    const [, loaded] = await month.attempts();
    expect(loaded).toMatchObject({
      state: 'loaded',
      counts: { read: rows, rejected, deduplicated, loaded: rows - rejected - deduplicated },
    });
    expect(await month.alerts()).toEqual([]);
  },
);
