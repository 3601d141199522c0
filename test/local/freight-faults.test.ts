import { describe, expect, test } from 'vitest';
import freightMovements from '../../datasets/freight-movements.ts';
import { startFreightApi } from '../../local/freight-api/server.ts';
import { DAY, isBad, page, pages, pageUrl, rowsOf, start, withFaults } from '../support/freight.ts';

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
