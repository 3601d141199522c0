import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import freightMovements from '../../datasets/freight-movements.ts';
import stationsDataset from '../../datasets/stations.ts';
import { startFreightApi, type FreightApi, type FreightApiOptions } from '../../local/freight-api/server.ts';
import type { Fault, Scenario } from '../../local/freight-api/scenario.ts';
import { Rejection } from '../../rules/columns.ts';
import type { Dataset } from '../../rules/dataset.ts';

type Row = Record<string, string | number | null>;
interface Page {
  readonly data: Row[];
  readonly next_cursor: string | null;
}

const open: FreightApi[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((api) => api.close()));
});

async function start(options: FreightApiOptions = {}): Promise<FreightApi> {
  const api = await startFreightApi(options);
  open.push(api);
  return api;
}

const onDay = (change: NonNullable<Scenario['days']>[number]) =>
  start({ scenario: { days: [{ date: DAY, ...change }] } });
const withFaults = (...faults: Fault[]) => start({ scenario: { faults } });
const DAY = '2025-06-01';
const pageUrl = (api: FreightApi, cursor?: string, limit = 500) =>
  `${api.url}/v1/movements?date=${DAY}&limit=${limit}${cursor === undefined ? '' : `&cursor=${cursor}`}`;

async function page(api: FreightApi, cursor?: string, limit?: number): Promise<Page> {
  const response = await fetch(pageUrl(api, cursor, limit));
  expect(response.status).toBe(200);
  return (await response.json()) as Page;
}

/** Pages up to the last one, or `most` of them. */
async function pages(api: FreightApi, most = 20): Promise<Page[]> {
  const all: Page[] = [];
  for (let cursor: string | null | undefined; cursor !== null && all.length < most;) {
    const next = await page(api, cursor);
    all.push(next);
    cursor = next.next_cursor;
  }
  return all;
}

const rowsOf = async (api: FreightApi) => (await pages(api)).flatMap(({ data }) => data);

function isBad(dataset: Dataset, row: Row): boolean {
  return Object.entries(dataset.columns).some(([name, column]) => {
    const value = row[name] ?? null;
    return value === null
      ? column.missingRule !== undefined
      : column.parse(String(value)) instanceof Rejection;
  });
}

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

describe('a fault', () => {
  test('status 500 strikes three times, then the page comes', async () => {
    const api = await withFaults({ fault: 'status', times: 3 });
    const statuses: number[] = [];
    for (let asked = 0; asked < 4; asked += 1) statuses.push((await fetch(pageUrl(api))).status);
    expect(statuses).toEqual([500, 500, 500, 200]);
  });

  test.each(['7', '86400000000', 'tomorrow', '-1'])('429 asks to come back after %s', async (retryAfter) => {
    const response = await fetch(pageUrl(await withFaults({ fault: 'status', status: 429, retryAfter })));
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, retryAfter]);
  });

  test('slow drip sends a few bytes at a time, and all of them', async () => {
    const clean = await (await fetch(pageUrl(await start(), undefined, 1))).text();
    const api = await withFaults({ fault: 'slow-drip', bytes: 50, everyMs: 1 });
    const chunks: string[] = [];
    const { body } = await fetch(pageUrl(api, undefined, 1));
    for await (const chunk of body ?? []) chunks.push(Buffer.from(chunk as Uint8Array).toString('latin1'));
    expect(chunks.length).toBeGreaterThan(3);
    expect(Buffer.from(chunks.join(''), 'latin1').toString()).toBe(clean);
  });

  test('truncated promises a length and hangs up half way', async () => {
    const response = await fetch(pageUrl(await withFaults({ fault: 'truncated' })));
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(100_000);
    await expect(response.text()).rejects.toThrow('terminated');
  });

  test('reset tears the connection down without an answer', async () => {
    const failed = await fetch(pageUrl(await withFaults({ fault: 'reset' }))).catch(
      (cause: unknown) => cause,
    );
    expect((failed as { cause: { code: string } }).cause.code).toBe('ECONNRESET');
  });

  test('black hole takes the question and never answers, and the simulator still closes', async () => {
    const api = await startFreightApi({ scenario: { faults: [{ fault: 'black-hole' }] } });
    let answered = false;
    const asked = fetch(pageUrl(api)).then(
      () => (answered = true),
      (cause: unknown) => cause,
    );
    await expect
      .poll(async () => ((await (await fetch(`${api.url}/control`)).json()) as { faults: unknown[] }).faults)
      .toMatchObject([{ struck: 1 }]);
    expect(answered).toBe(false);
    await api.close();
    expect(await asked).toBeInstanceOf(Error);
  });

  test('html answers 200 with a page for people', async () => {
    const response = await fetch(pageUrl(await withFaults({ fault: 'html' })));
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ]);
    expect(await response.text()).toContain('<h1>');
  });

  test('broken JSON is whole as a body and none as JSON', async () => {
    const response = await fetch(pageUrl(await withFaults({ fault: 'broken-json' })));
    expect(response.status).toBe(200);
    await expect(response.json()).rejects.toThrow(SyntaxError);
  });

  test('duplicate page sends its records twice, under another cursor, and loses none', async () => {
    const all = await pages(await withFaults({ fault: 'duplicate-page', page: 2, times: 1 }));
    expect(all).toHaveLength(5);
    expect(all[2]?.data).toEqual(all[1]?.data);
    expect(new Set(all.map(({ next_cursor }) => next_cursor)).size).toBe(5);
    expect(new Set(all.flatMap(({ data }) => data).map((row) => row['movement_id'])).size).toBe(2_000);
  });

  test('duplicate page without a bound sends every page twice, and comes to an end', async () => {
    const all = await pages(await withFaults({ fault: 'duplicate-page' }));
    expect(all).toHaveLength(8);
    expect(all.at(-1)?.next_cursor).toBeNull();
  });

  test('looping cursor leads back to the first page', async () => {
    const all = await pages(await withFaults({ fault: 'looping-cursor', page: 3 }), 8);
    expect(all).toHaveLength(8);
    expect(all[3]).toEqual(all[0]);
    expect(all[5]?.next_cursor).toBe(all[2]?.next_cursor);
  });

  test('endless pages go on under cursors that are always new', async () => {
    const all = await pages(await withFaults({ fault: 'endless-pages' }), 20);
    expect(all).toHaveLength(20);
    expect(all.every(({ data }) => data.length === 500)).toBe(true);
    expect(new Set(all.map(({ next_cursor }) => next_cursor)).size).toBe(20);
  });

  test('missing property goes from every record, or the page loses its own', async () => {
    const api = await withFaults({ fault: 'missing-property', property: 'tonnes' });
    expect((await page(api)).data.some((row) => 'tonnes' in row)).toBe(false);
    const bare = await withFaults({ fault: 'missing-property', property: 'data' });
    expect(Object.keys(await page(bare))).toEqual(['next_cursor']);
  });

  test('renamed property keeps its value under another name', async () => {
    const clean = await page(await start());
    const api = await withFaults({ fault: 'renamed-property', property: 'tonnes', to: 'weight' });
    const row = (await page(api)).data[0] ?? {};
    expect([row['tonnes'], row['weight']]).toEqual([undefined, clean.data[0]?.['tonnes']]);
  });

  test('wrong type makes one value of one row an object', async () => {
    const { data } = await page(await withFaults({ fault: 'wrong-type', property: 'tonnes', row: 4 }));
    expect(data.flatMap((row, index) => (typeof row['tonnes'] === 'object' ? [index] : []))).toEqual([3]);
  });

  test.each([
    [{ percent: 30 }, 600],
    [{ rows: 601 }, 601],
    [{ percent: 100 }, 2_000],
    [{ rows: 0 }, 0],
  ])('bad rows %j are exactly that many of the day', async (share, bad) => {
    const rows = await rowsOf(await withFaults({ fault: 'bad-rows', ...share }));
    expect(rows.filter((row) => isBad(freightMovements, row))).toHaveLength(bad);
  });

  test('strikes where its path, date and page say, and nowhere else', async () => {
    const api = await withFaults({ fault: 'status', status: 503, path: '/v1/movements', date: DAY, page: 2 });
    const first = await page(api);
    expect((await fetch(pageUrl(api, first.next_cursor ?? ''))).status).toBe(503);
    expect((await fetch(`${api.url}/v1/stations`)).status).toBe(200);
    const dated = await withFaults({ fault: 'status', date: DAY });
    expect((await fetch(`${dated.url}/v1/movements?date=2025-06-02`)).status).toBe(200);
    expect((await fetch(pageUrl(dated))).status).toBe(500);
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
