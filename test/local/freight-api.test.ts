import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import freightMovements from '../../datasets/freight-movements.ts';
import stationsDataset from '../../datasets/stations.ts';
import { startFreightApi, type FreightApi } from '../../local/freight-api/server.ts';
import type { Scenario } from '../../local/freight-api/scenario.ts';
import { DAY, isBad, onDay, page, pages, pageUrl, rowsOf, start, type Page } from '../support/freight.ts';

async function post(api: FreightApi, scenario: unknown): Promise<{ status: number; text: string }> {
  const response = await fetch(`${api.url}/control`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(scenario),
  });
  return { status: response.status, text: await response.text() };
}

describe('a clean day', () => {
  test('has 2,000 movements in four pages, all of which the dataset believes', async () => {
    const all = await pages(await start());
    expect(all.map(({ data }) => data.length)).toEqual([500, 500, 500, 500]);
    const rows = all.flatMap(({ data }) => data);
    expect(new Set(rows.map((row) => row['movement_id'])).size).toBe(2_000);
    expect(rows.filter((row) => isBad(freightMovements, row))).toEqual([]);
    expect(new Set(rows.map((row) => row['business_day']))).toEqual(new Set([DAY]));
    expect(Object.keys(rows[0] ?? {})).toEqual(Object.keys(freightMovements.columns));
  });

  test('goes from and to stations that the API knows', async () => {
    const api = await start();
    const { data } = (await (await fetch(`${api.url}/v1/stations`)).json()) as Page;
    expect(data).toHaveLength(40);
    expect(data.filter((row) => isBad(stationsDataset, row))).toEqual([]);
    expect(Object.keys(data[0] ?? {})).toEqual(Object.keys(stationsDataset.columns));
    const known = new Set(data.map((row) => row['code']));
    expect(known.size).toBe(40);
    const rows = await rowsOf(api);
    expect(rows.every((row) => known.has(row['origin'] ?? '') && known.has(row['destination'] ?? ''))).toBe(
      true,
    );
  });

  test('is the same in another process', async () => {
    const script = `
      import { movementsOf } from './local/freight-api/movements.ts';
      process.stdout.write(JSON.stringify(movementsOf('${DAY}', 'night-train')));`;
    const root = join(import.meta.dirname, '..', '..');
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', script],
      { cwd: root, maxBuffer: 16 * 1024 * 1024 },
    );
    expect(JSON.parse(stdout)).toEqual(await rowsOf(await start()));
  });

  test('is another one with another seed', async () => {
    const [one, other] = await Promise.all([start(), start({ seed: 'other' })]);
    expect(await rowsOf(one)).not.toEqual(await rowsOf(other));
  });
});

describe('a day on request', () => {
  test('is restated: some movements changed, some added, some removed, and the same again when asked again', async () => {
    const [first, later, again] = await Promise.all([
      start(),
      onDay({ restatements: 1 }),
      onDay({ restatements: 1 }),
    ]);
    const before = new Map((await rowsOf(first)).map((row) => [row['movement_id'], row]));
    const rows = await rowsOf(later);
    const after = new Map(rows.map((row) => [row['movement_id'], row]));
    const added = [...after.keys()].filter((id) => !before.has(id));
    const removed = [...before.keys()].filter((id) => !after.has(id));
    const changed = [...after].filter(
      ([id, row]) => before.has(id) && before.get(id)?.['tonnes'] !== row['tonnes'],
    );
    expect(added).toHaveLength(10);
    expect(removed.length).toBeGreaterThan(5);
    expect(changed.length).toBeGreaterThan(15);
    expect(changed.length).toBeLessThan(100);
    expect(rows.filter((row) => isBad(freightMovements, row))).toEqual([]);
    expect(await rowsOf(again)).toEqual(rows);
  });

  test('has movements to a station that does not exist', async () => {
    const rows = await rowsOf(await onDay({ unknownStations: 7 }));
    expect(rows.filter((row) => row['destination'] === 'ZZ999')).toHaveLength(7);
    expect(rows).toHaveLength(2_000);
  });

  test('brings late rows of the day before', async () => {
    const rows = await rowsOf(await onDay({ lateRows: 3 }));
    expect(rows).toHaveLength(2_003);
    expect(rows.filter((row) => row['business_day'] === '2025-05-31')).toHaveLength(3);
  });

  test('has no movement at all, or only some', async () => {
    expect(await page(await onDay({ movements: 0 }))).toEqual({ data: [], next_cursor: null });
    expect(await rowsOf(await onDay({ movements: 501 }))).toHaveLength(501);
  });

  test('leaves other days clean', async () => {
    const api = await start({ scenario: { days: [{ date: '2025-06-02', movements: 1 }] } });
    expect(await rowsOf(api)).toHaveLength(2_000);
  });
});

describe('the control endpoint', () => {
  test('switches faults on, shows how often each has struck, and clears them', async () => {
    const api = await start();
    expect(
      (await post(api, { faults: [{ fault: 'status', times: 2 }], days: [{ date: DAY, movements: 5 }] }))
        .status,
    ).toBe(200);
    await fetch(pageUrl(api));
    expect(await (await fetch(`${api.url}/control`)).json()).toEqual({
      faults: [{ fault: 'status', times: 2, struck: 1, left: 1 }],
      days: [{ date: DAY, movements: 5 }],
    });
    await fetch(`${api.url}/control`, { method: 'DELETE' });
    expect(await (await fetch(`${api.url}/control`)).json()).toEqual({ faults: [], days: [] });
    expect(await rowsOf(api)).toHaveLength(2_000);
  });

  test.each<[string, unknown]>([
    ['an unknown fault', { faults: [{ fault: 'earthquake' }] }],
    ['a property that the fault lacks', { faults: [{ fault: 'reset', status: 500 }] }],
    ['no times at all', { faults: [{ fault: 'reset', times: 0 }] }],
    ['a number in quotes', { faults: [{ fault: 'reset', times: '3' }] }],
    ['a header that ends its line', { faults: [{ fault: 'status', retryAfter: '1\r\nx: y' }] }],
    ['a day that the calendar lacks', { days: [{ date: '2025-02-30' }] }],
    ['more movements than it will make', { days: [{ movements: 1e9 }] }],
    ['more faults than it keeps', { faults: Array.from({ length: 101 }, () => ({ fault: 'reset' })) }],
    ['a list', []],
    ['a word of its own', { fault: 'reset' }],
  ])('refuses %s', async (_, scenario) => {
    const api = await start();
    const { status, text } = await post(api, scenario);
    expect(status).toBe(400);
    expect((JSON.parse(text) as { error: string }).error.length).toBeGreaterThan(5);
    await expect(startFreightApi({ scenario: scenario as Scenario })).rejects.toThrow('makes no sense');
  });

  test('keeps at most a hundred faults, however they come', async () => {
    const api = await start();
    const sixty = { faults: Array.from({ length: 60 }, () => ({ fault: 'reset', times: 1 })) };
    expect((await post(api, sixty)).status).toBe(200);
    expect((await post(api, sixty)).status).toBe(400);
  });
});

describe('the API', () => {
  test('asks for its token where it has one', async () => {
    const api = await start({ token: 'secret' });
    const ask = async (authorization?: string) =>
      (
        await fetch(
          `${api.url}/v1/stations`,
          authorization === undefined ? {} : { headers: { authorization } },
        )
      ).status;
    expect([await ask(), await ask('Bearer wrong!'), await ask('Bearer secret')]).toEqual([401, 401, 200]);
  });

  test.each([
    '',
    '?date=2025-02-30',
    '?date=today',
    `?date=${DAY}&limit=0`,
    `?date=${DAY}&limit=1001`,
    `?date=${DAY}&cursor=abc`,
  ])('refuses /v1/movements%s', async (query) => {
    expect((await fetch(`${(await start()).url}/v1/movements${query}`)).status).toBe(400);
  });

  test('refuses a cursor of another day', async () => {
    const api = await start();
    const { next_cursor } = await page(api);
    expect((await fetch(`${api.url}/v1/movements?date=2025-06-02&cursor=${next_cursor}`)).status).toBe(400);
  });

  test('says so where its port is taken', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => squatter.once('listening', resolve));
    const { port } = squatter.address() as AddressInfo;
    await expect(startFreightApi({ port })).rejects.toMatchObject({ name: 'ConfigurationError' });
    squatter.close();
  });
});
