import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { extract } from '../../intake/extract.ts';
import type { Manifest } from '../../intake/manifest.ts';
import type { Patience } from '../../intake/rest.ts';
import { defineDataset, type Bounds } from '../../rules/dataset.ts';
import { describe as describeError } from '../../rules/errors.ts';
import { integer, rest, text } from '../../rules/kit.ts';
import { containing, dayOf, matching, openIntake, refusalOf, until } from '../support/intake.ts';

const TOKEN = 'secret-token-of-the-api';
const day = { dataset: 'movements', businessDate: dayOf('2013-02-01') };

function movements(bounds: Partial<Bounds> = {}, source: Partial<Parameters<typeof rest>[0]> = {}) {
  return defineDataset({
    name: 'movements',
    about: 'Wagons, for tests.',
    table: 'movement',
    source: rest({
      baseUrlFrom: 'API_URL',
      tokenFrom: 'API_TOKEN',
      path: '/v1/movements',
      dateParameter: 'date',
      pageSize: 2,
      ...source,
    }),
    columns: { id: integer().orReject(), wagon: text() },
    key: ['id'],
    write: 'replaceDay',
    bounds,
  });
}

type Answer = (request: http.IncomingMessage, response: http.ServerResponse, url: URL) => void;

/** A real server on loopback, and an intake that reads from it. */
async function openApi(answer: Answer, variables: Record<string, string> = {}) {
  const asked: { url: URL; authorization: string | undefined }[] = [];
  const server = http.createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://loopback');
    asked.push({ url, authorization: request.headers.authorization });
    answer(request, response, url);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const house = await openIntake({ API_URL: base, API_TOKEN: TOKEN, ...variables });
  const land = (dataset = movements(), patience: Partial<Patience> = {}) =>
    extract(dataset, day, 1, house.context, { connectMs: 2_000, idleMs: 2_000, wholeMs: 5_000, ...patience });
  return { ...house, base, asked, land };
}

const send = (response: http.ServerResponse, body: unknown, status = 200, headers = {}) => {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
};

/** Page `number` of a list of two records a page. */
const pageOf = (number: number, next: string | null) => ({
  data: [{ id: number * 2 }, { id: number * 2 + 1 }],
  next_cursor: next,
});

/** Pages of two records, `count` of them. */
const pages =
  (count: number): Answer =>
  (_request, response, url) => {
    const number = Number(url.searchParams.get('cursor') ?? 1);
    send(response, pageOf(number, number < count ? String(number + 1) : null));
  };

describe('an API', () => {
  test('lands page by page as it came, twenty pages a part', async () => {
    const api = await openApi(pages(45));
    const landed = await api.land();
    expect(landed).toMatchObject({ parts: 3, records: 90, manifest: 'movements/2013-02-01/1/manifest.json' });
    const manifest = JSON.parse((await api.landing.readText(landed.manifest)) ?? '') as Manifest;
    expect(manifest.parts.map(({ part, records, files }) => [part, records, files.length])).toEqual([
      [1, 40, 20],
      [2, 40, 20],
      [3, 10, 5],
    ]);
    const first = manifest.parts[0]?.files[0]?.key ?? '';
    expect(first).toBe('movements/2013-02-01/1/landed/page-00001.json');
    expect(await api.landing.readText(first)).toBe(JSON.stringify(pageOf(1, '2')));
    expect(api.asked[0]?.url.search).toBe('?date=2013-02-01&limit=2');
    expect(api.asked[1]?.url.search).toBe('?date=2013-02-01&limit=2&cursor=2');
    expect(new Set(api.asked.map(({ authorization }) => authorization))).toEqual(
      new Set([`Bearer ${TOKEN}`]),
    );
    expect(await api.land()).toEqual(landed);
    expect(api.asked).toHaveLength(45);
  });

  test('may be slow, as long as something comes', async () => {
    const text = JSON.stringify(pageOf(1, null));
    const api = await openApi((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      let sent = 0;
      const drip = setInterval(() => {
        if (sent < text.length) response.write(text.slice(sent, (sent += 4)));
        else response.end();
      }, 40);
      response.on('close', () => clearInterval(drip));
    });
    expect(await api.land(movements(), { idleMs: 300 })).toMatchObject({ records: 2 });
  });

  test('may have nothing for a day', async () => {
    const api = await openApi((_request, response) => send(response, { data: [], next_cursor: null }));
    expect(await api.land()).toMatchObject({ parts: 1, records: 0 });
  });

  test('may live below a path, and redirect on its own host', async () => {
    const api = await openApi((_request, response, url) => {
      if (url.pathname === '/api/v1/movements') send(response, '', 307, { location: `/new${url.search}` });
      else send(response, pageOf(1, null));
    });
    const env = (name: string) => (name === 'API_URL' ? `${api.base}/api/` : TOKEN);
    const landed = await extract(movements(), day, 1, { ...api.context, env });
    expect(landed.records).toBe(2);
    expect(api.asked[1]?.url.pathname).toBe('/new');
  });
});

describe('what is set up wrong is named', () => {
  const nothing: Answer = (_request, response) => send(response, pageOf(1, null));
  test.each([
    ['no base URL', { API_URL: '' }, /API_URL is not set/],
    ['a base URL that is none', { API_URL: 'ftp://x' }, /API_URL is not an http/],
    ['no token', { API_TOKEN: '' }, /API_TOKEN is not set/],
    ['a token of two lines', { API_TOKEN: 'a\nb' }, /API_TOKEN holds characters/],
  ])('%s', async (_what, variables, message) => {
    const api = await openApi(nothing, variables);
    const error = await refusalOf(api.land());
    expect(error).toMatchObject({ name: 'ConfigurationError', message: matching(message) });
    expect(error.hint).toBeDefined();
  });

  test.each([401, 403])('a token that does not let us in (%i)', async (status) => {
    const api = await openApi((_request, response) => send(response, { error: `not ${TOKEN}` }, status));
    const error = await refusalOf(api.land());
    expect(error).toMatchObject({ name: 'SourceForbidden', hint: containing('API_TOKEN') });
    expect(describeError(error)).not.toContain(TOKEN);
  });
});

describe('an API that cannot answer now is asked again later', () => {
  test.each([408, 425, 429, 500, 502, 503, 599])('status %i', async (status) => {
    const api = await openApi((_request, response) =>
      send(response, 'later', status, { 'retry-after': '7' }),
    );
    const error = await refusalOf(api.land());
    expect(error).toMatchObject({ name: 'SourceUnavailable', retryable: true, retryAfterMs: 7_000 });
    expect(error.detail).toContain(String(status));
  });

  test.each([
    ['999999999', 600_000],
    ['99999999999999999999999999999999', 600_000],
    ['-5', undefined],
    ['soon', undefined],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 600_000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ])('an absurd Retry-After (%s) is bounded', async (header, wait) => {
    const api = await openApi((_request, response) => send(response, '', 429, { 'retry-after': header }));
    expect((await refusalOf(api.land())).retryAfterMs).toBe(wait);
  });

  test('nobody listens there', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const { context } = await openIntake({ API_URL: `http://127.0.0.1:${port}`, API_TOKEN: TOKEN });
    const error = await refusalOf(extract(movements(), day, 1, context));
    expect(error).toMatchObject({ name: 'SourceUnavailable', message: containing('refuses') });
    expect(JSON.stringify(error) + describeError(error) + String(error.cause)).not.toContain(TOKEN);
  });

  test.each<[string, Answer]>([
    ['before it answers', (request) => request.socket.resetAndDestroy()],
    [
      'in a body of declared length',
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1_000 });
        response.write('{"data":[', () => response.socket?.destroy());
      },
    ],
    [
      'in a chunked body',
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write(JSON.stringify(pageOf(1, null)), () => response.socket?.destroy());
      },
    ],
  ])('it breaks off %s', async (_where, answer) => {
    const api = await openApi(answer);
    expect(await refusalOf(api.land())).toMatchObject({ name: 'SourceUnavailable', retryable: true });
    expect(await api.landing.list('movements')).toEqual([]);
  });

  test('it breaks off a body whose length nobody said', async () => {
    const server = net.createServer((socket) => {
      socket.once('data', () => {
        socket.end('HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{"data":[{"id":1},');
      });
      socket.on('error', () => undefined);
    });
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    onTestFinished(() => void server.close());
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { context } = await openIntake({ API_URL: base, API_TOKEN: TOKEN });
    expect(await refusalOf(extract(movements(), day, 1, context))).toMatchObject({
      name: 'SourceUnavailable',
    });
  });

  test.each<[string, Answer, Partial<Patience>, RegExp]>([
    ['never answers', () => undefined, { idleMs: 100 }, /sent nothing for 0.1 s/],
    [
      'stops in the middle',
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{');
      },
      { idleMs: 100 },
      /sent nothing for 0.1 s/,
    ],
    [
      'drips a byte at a time',
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        const drip = setInterval(() => response.write(' '), 20);
        response.on('close', () => clearInterval(drip));
      },
      { idleMs: 1_000, wholeMs: 300 },
      /did not finish a page within 0.3 s/,
    ],
  ])('it %s', async (_what, answer, patience, message) => {
    const api = await openApi(answer);
    const error = await refusalOf(api.land(movements(), patience));
    expect(error).toMatchObject({ name: 'SourceUnavailable', message: matching(message) });
  });

  test('its host accepts no connection', async () => {
    const base = await openDeafServer();
    const { context } = await openIntake({ API_URL: base, API_TOKEN: TOKEN });
    const patience = { connectMs: 100, idleMs: 20_000, wholeMs: 20_000 };
    const error = await refusalOf(extract(movements(), day, 1, context, patience));
    expect(error).toMatchObject({
      name: 'SourceUnavailable',
      message: containing('did not accept a connection within 0.1 s'),
    });
  });
});

/** A listener whose process stands still and whose queue is full: the kernel answers no further connection. */
async function openDeafServer(): Promise<string> {
  const listen = `const s = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 },
    () => console.log(s.address().port))`;
  const child = spawn(process.execPath, ['-e', listen], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  child.kill('SIGSTOP');
  const port = Number(line.toString());
  const queued = Array.from({ length: 8 }, () => net.connect(port, '127.0.0.1').on('error', () => undefined));
  onTestFinished(() => queued.forEach((socket) => socket.destroy()));
  await until(async () => {
    const probe = net.connect(port, '127.0.0.1').on('error', () => undefined);
    const connected = await Promise.race([once(probe, 'connect').then(() => true), delay(200, false)]);
    probe.destroy();
    return !connected;
  });
  return `http://127.0.0.1:${port}`;
}

describe('an API that breaks its contract is not asked again', () => {
  const html = '<!doctype html><title>Please log in</title>';
  test.each<[string, Answer, RegExp]>([
    [
      'HTML',
      (_request, response) => send(response, html, 200, { 'content-type': 'text/html' }),
      /something else than JSON/,
    ],
    ['HTML that calls itself JSON', (_request, response) => send(response, html), /JSON that is none/],
    ['broken JSON', (_request, response) => send(response, '{"data":[{"id":1},]'), /JSON that is none/],
    ['nothing', (_request, response) => send(response, ''), /JSON that is none/],
    ['a list without an envelope', (_request, response) => send(response, [{ id: 1 }]), /declared envelope/],
    [
      'records under another name',
      (_request, response) => send(response, { rows: [], next_cursor: null }),
      /envelope/,
    ],
    [
      'records that are no list',
      (_request, response) => send(response, { data: {}, next_cursor: null }),
      /envelope/,
    ],
    ['no next cursor', (_request, response) => send(response, { data: [] }), /envelope/],
    [
      'a cursor that is a number',
      (_request, response) => send(response, { data: [], next_cursor: 2 }),
      /envelope/,
    ],
    ['an empty cursor', (_request, response) => send(response, { data: [], next_cursor: '' }), /envelope/],
    ['null', (_request, response) => send(response, 'null'), /envelope/],
    ['404', (_request, response) => send(response, 'no such thing', 404), /answers 404/],
    ['204', (_request, response) => response.writeHead(204).end(), /answers 204/],
    [
      'compressed pages',
      (_request, response) => send(response, pageOf(1, null), 200, { 'content-encoding': 'br' }),
      /compresses/,
    ],
    [
      'a redirect to another host',
      (_request, response) => send(response, '', 302, { location: 'http://127.0.0.2:1/x' }),
      /another host/,
    ],
    [
      'a redirect to itself',
      (_request, response, url) => send(response, '', 302, { location: url.pathname }),
      /redirects more than/,
    ],
  ])('%s', async (_what, answer, message) => {
    const api = await openApi(answer);
    const error = await refusalOf(api.land());
    expect(error).toMatchObject({ name: 'SourceContractBroken', retryable: false });
    expect(error.message).toMatch(message);
    expect(error.detail).toContain('/v1/movements');
    expect(await api.landing.list('movements')).toEqual([]);
  });

  test('what was received is shown, 200 characters of it, and never the token', async () => {
    const body = `${TOKEN} ${'x'.repeat(5_000)}`;
    const api = await openApi((_request, response) => send(response, body));
    const error = await refusalOf(api.land());
    expect(error.detail).toContain('*** xxx');
    expect(error.detail?.length).toBeLessThan(400);
    expect(describeError(error)).not.toContain(TOKEN);
  });
});

describe('an API that leads astray is given up', () => {
  test.each<[string, (page: number) => unknown, string, RegExp]>([
    [
      'a cursor that comes back to itself',
      () => ({ data: [], next_cursor: '1' }),
      'SourceBroken',
      /in a circle/,
    ],
    [
      'cursors in a circle',
      (page) => ({ data: [{ id: Math.random() }], next_cursor: String((page % 4) + 1) }),
      'SourceBroken',
      /in a circle/,
    ],
    [
      'a page sent twice',
      (page) => ({ ...pageOf(page === 4 ? 3 : page, String(page + 1)) }),
      'SourceBroken',
      /same page twice/,
    ],
    ['pages without end', (page) => pageOf(page, String(page + 1)), 'LimitExceeded', /more than 7 pages/],
    [
      'empty pages without end',
      (page) => ({ data: [], next_cursor: String(page + 1) }),
      'LimitExceeded',
      /more than 7/,
    ],
  ])('%s', async (_what, body, name, message) => {
    const api = await openApi((_request, response, url) =>
      send(response, body(Number(url.searchParams.get('cursor') ?? 0))),
    );
    const error = await refusalOf(api.land(movements({ pages: 7 })));
    expect(error).toMatchObject({ name, message: matching(message) });
    expect(api.asked.length).toBeLessThanOrEqual(7);
    expect(await api.landing.readText('movements/2013-02-01/1/manifest.json')).toBeUndefined();
  });

  test('a page without end is cut off at the bound', async () => {
    const api = await openApi((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const flood = () => {
        while (response.write('[[[[[[[['.repeat(1_000)));
      };
      response.on('drain', flood);
      flood();
    });
    const error = await refusalOf(api.land(movements({ pageBytes: 100_000 })));
    expect(error).toMatchObject({ name: 'LimitExceeded', message: containing('100000 bytes') });
  });

  test('more parts than allowed', async () => {
    const api = await openApi(pages(41));
    expect(await refusalOf(api.land(movements({ parts: 2 })))).toMatchObject({ name: 'LimitExceeded' });
  });
});

test('aborted while it waits, the intake ends at once', async () => {
  let arrived: () => void = () => undefined;
  const waiting = new Promise<void>((resolve) => (arrived = resolve));
  const api = await openApi(() => arrived());
  const landing = api.land();
  await waiting;
  const abortedAt = performance.now();
  api.abort.abort(new Error('told to stop'));
  await expect(landing).rejects.toThrow('told to stop');
  expect(performance.now() - abortedAt).toBeLessThan(1_000);
});

test('it tells of its progress while a page takes its time', async () => {
  const api = await openApi((_request, response) => {
    setTimeout(() => send(response, pageOf(1, null)), 1_200);
  });
  await api.land();
  expect(api.told.length).toBeGreaterThanOrEqual(2);
  expect(api.told.at(-1)?.rows).toBe(2);
});
