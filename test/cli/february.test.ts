import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeSampleInbox } from '../../local/sample-inbox.ts';
import { openInstallation, type TestInstallation } from '../support/installation.ts';

/** Issue A, 2: the real February, as one command loads it. */
const BACKFILL = ['backfill', 'flights', '--from', '2013-02-01', '--to', '2013-02-28'];
const WITHIN_MS = 60_000;
const FIGURES = '26 loaded, 2 refused (2013-02-08, 2013-02-09), 0 failed';

let here: TestInstallation;

beforeAll(async () => {
  here = await openInstallation();
  await Promise.all([here.up(), writeSampleInbox(here.inbox)]);
});
afterAll(() => here[Symbol.asyncDispose]());

async function rowsOf(table: string, where = 'true'): Promise<number> {
  const [row] = await here.ask<{ rows: number }>(`select count(*) as rows from ${table} where ${where}`);
  return row?.rows ?? 0;
}

interface Status {
  readonly version: number;
  readonly days: readonly (Record<string, unknown> & {
    readonly state: string;
    readonly rowsRejected: number;
  })[];
}

describe('the real February', () => {
  test('is loaded by one backfill but for its two bad nights, within a minute', async () => {
    const began = performance.now();
    const { code, stdout, stderr } = await here.run(BACKFILL);
    expect(performance.now() - began).toBeLessThan(WITHIN_MS);
    expect(stdout).toContain(`flights from 2013-02-01 to 2013-02-28: ${FIGURES}`);
    expect(stderr).toContain('flights of 2013-02-09 is refused: 393 of 684 rows are rejected (57.5 %)');
    expect(stderr).toContain('npx nighttrain show flights 2013-02-08');
    expect(code).toBe(1);
    expect(await rowsOf('warehouse.flight')).toBe(22_865);
    expect(await rowsOf('warehouse.flight', `business_date in ('2013-02-08', '2013-02-09')`)).toBe(0);
  });

  test('keeps in quarantine what its nights rejected', async () => {
    const refused = `business_date in ('2013-02-08', '2013-02-09')`;
    expect(await rowsOf('nighttrain.quarantine', `not ${refused}`)).toBe(472);
    expect(await rowsOf('nighttrain.quarantine', refused)).toBe(868);
    const { version, days } = await here.json<Status>(['status', '--dataset', 'flights']);
    expect(version).toBe(1);
    const rejectedBy = (state: string) =>
      days.filter((day) => day.state === state).reduce((sum, { rowsRejected }) => sum + rowsRejected, 0);
    expect([rejectedBy('loaded'), rejectedBy('refused')]).toEqual([472, 868]);
  });

  test('is not loaded again by a second backfill, which tells the same figures', async () => {
    const batches = await here.ask('select load_id from nighttrain.load_batch order by load_id');
    const attempts = await rowsOf('nighttrain.attempt');
    const { code, stdout } = await here.run(BACKFILL);
    expect(stdout).toContain(`flights from 2013-02-01 to 2013-02-28: ${FIGURES}`);
    expect(code).toBe(1);
    expect(await here.ask('select load_id from nighttrain.load_batch order by load_id')).toEqual(batches);
    expect(await rowsOf('nighttrain.attempt')).toBe(attempts);
    expect(await rowsOf('warehouse.flight')).toBe(22_865);
  });

  test('status answers in the names that scripts depend on', async () => {
    const { days } = await here.json<Status>([
      'status',
      '--from',
      '2013-02-08',
      '--to',
      '2013-02-10',
      '--dataset',
      'flights',
    ]);
    expect(days).toEqual([
      {
        dataset: 'flights',
        businessDate: '2013-02-08',
        state: 'refused',
        epoch: expect.any(Number) as number,
        attempts: 1,
        rowsRead: 930,
        rowsLoaded: null,
        rowsRejected: 475,
        rowsDiscarded: 0,
        rowsDeduplicated: null,
        loadId: null,
        startedAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        committedAt: null,
        error: expect.objectContaining({ name: 'Refused' }) as object,
      },
      expect.objectContaining({ businessDate: '2013-02-09', state: 'refused' }),
      expect.objectContaining({
        businessDate: '2013-02-10',
        state: 'loaded',
        rowsRead: 829,
        rowsLoaded: 801,
        loadId: expect.any(String) as string,
        error: null,
      }),
    ]);
  });

  test('a day that its source has restated is replaced by a replay, and the old version stays readable', async () => {
    const file = join(here.inbox, 'flights', '2013-02-05.csv');
    const [header = '', first = '', ...others] = (await readFile(file, 'utf8')).split('\n');
    await writeFile(file, [header, ...others].join('\n')); // the first flight never was
    expect(first).toMatch(/^2013,2,5,/);
    const replayed = await here.run([
      'replay',
      'flights',
      '2013-02-05',
      '--reason',
      'the carrier restated it',
    ]);
    expect(replayed).toMatchObject({ code: 0 });
    expect(replayed.stdout).toContain('flights of 2013-02-05 is loaded: 876 rows of 895 read');
    expect(await rowsOf('warehouse.flight', `business_date = '2013-02-05'`)).toBe(876);
    const [old] = await here.ask<{ name: string }>(
      `select b.table_name as name from nighttrain.load_batch b
       where business_date = '2013-02-05' order by epoch limit 1`,
    );
    expect(await rowsOf(`warehouse_history.${old?.name}`)).toBe(877);
    const [request] = await here.ask('select state, reason, requested_by from nighttrain.request');
    expect(request).toMatchObject({ state: 'started', reason: 'the carrier restated it' });
    expect(request?.['requested_by']).toMatch(/^[^@]+@[^@]+$/);
  });

  test('a loaded day stays loaded when its replay fails, and status says what failed', async () => {
    const file = join(here.inbox, 'flights', '2013-02-06.csv');
    await writeFile(file, (await readFile(file, 'utf8')).replace('dep_delay', 'delay'));
    const replayed = await here.run(['replay', 'flights', '2013-02-06', '--reason', 'to see']);
    expect(replayed.code).toBe(1);
    expect(replayed.stderr).toContain('dep_delay');
    expect(replayed.stderr).toContain('npx nighttrain show flights 2013-02-06');
    const { days } = await here.json<Status>([
      'status',
      '--dataset',
      'flights',
      '--from',
      '2013-02-06',
      '--to',
      '2013-02-06',
    ]);
    expect(days).toMatchObject([
      { state: 'loaded', attempts: 2, rowsLoaded: 892, error: { name: 'SourceContractBroken' } },
    ]);
  });
});
