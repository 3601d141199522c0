import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cacheFolder, findTemporalCli } from '../../local/temporal-cli.ts';

const run = promisify(execFile);
const NOWHERE = 'http://127.0.0.1:9'; // discard: nobody answers there
const SYSTEM = '/usr/bin:/bin'; // tar and sh

let folder: string;
let cache: string;
let said: string[];
const say = (line: string): void => void said.push(line);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nighttrain-cli-'));
  cache = join(folder, 'cache');
  said = [];
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

test('TEMPORAL_CLI comes first, then the PATH, then our cache', async () => {
  const named = await script(join(folder, 'named', 'temporal'));
  const onPath = await script(join(folder, 'path', 'temporal'));
  const cached = await script(join(cache, 'nighttrain', 'temporal-1.5.1', 'temporal'));
  const env = { TEMPORAL_CLI: named, PATH: join(folder, 'path'), XDG_CACHE_HOME: cache };
  const find = (less: Partial<typeof env>): Promise<string> =>
    findTemporalCli({ env: { ...env, ...less }, say, downloads: NOWHERE });
  expect(await find({})).toBe(named);
  expect(await find({ TEMPORAL_CLI: '' })).toBe(onPath);
  expect(await find({ TEMPORAL_CLI: '', PATH: '' })).toBe(cached);
  expect(said).toEqual([]);
});

test('a TEMPORAL_CLI that cannot be run is an error of configuration, not a reason to look elsewhere', async () => {
  const file = join(folder, 'temporal');
  await writeFile(file, 'not executable');
  const find = findTemporalCli({ env: { TEMPORAL_CLI: file, PATH: SYSTEM }, say });
  await expect(find).rejects.toMatchObject({
    name: 'ConfigurationError',
    message: `TEMPORAL_CLI names ${file}, which cannot be run`,
  });
});

test('two that need it at once download it once, and nobody sees half of it', async () => {
  await using site = await openSite(folder);
  const find = (): Promise<string> =>
    findTemporalCli({ env: { XDG_CACHE_HOME: cache, PATH: SYSTEM }, say, downloads: site.url });
  const found = await Promise.all([find(), find()]);
  const cached = join(cache, 'nighttrain', 'temporal-1.5.1', 'temporal');
  expect(found).toEqual([cached, cached]);
  expect(site.asked.map((url) => url.pathname)).toEqual(['/cli/v1.5.1', '/archive.tar.gz']);
  expect((await run(cached)).stdout).toBe('a temporal\n');
  expect(await readdir(join(cache, 'nighttrain', 'temporal-1.5.1'))).toEqual(['temporal']);
  expect(said).toContain('downloading Temporal 1.5.1, once for this user');
});

test('where the download is out of reach, Go builds it into our cache', async () => {
  const go = join(folder, 'go', 'go');
  // stands in for Go's compiler alone: writes what it was asked for, and a program where GOBIN says
  await script(
    go,
    `echo "$@" > "${folder}/asked"; printf '#!/bin/sh\\necho built\\n' > "$GOBIN/temporal"; chmod +x "$GOBIN/temporal"`,
  );
  const env = { XDG_CACHE_HOME: cache, PATH: [join(folder, 'go'), SYSTEM].join(delimiter) };
  const found = await findTemporalCli({ env, say, downloads: NOWHERE });
  expect((await run(found)).stdout).toBe('built\n');
  expect(await readFile(join(folder, 'asked'), 'utf8')).toBe(
    'install github.com/temporalio/cli/cmd/temporal@v1.5.1\n',
  );
  expect(said).toContain(
    'building Temporal 1.5.1 with Go instead, once for this user: this takes a few minutes',
  );
});

test('where Go fails too, the error has both reasons, and the cache stays clean', async () => {
  await script(join(folder, 'go', 'go'), 'echo "no such module" >&2; exit 1');
  const env = { XDG_CACHE_HOME: cache, PATH: [join(folder, 'go'), SYSTEM].join(delimiter) };
  await expect(findTemporalCli({ env, say, downloads: NOWHERE })).rejects.toMatchObject({
    name: 'EngineFailed',
    detail: expect.stringMatching(/ECONNREFUSED.*no such module/) as string,
    hint: expect.stringContaining('TEMPORAL_CLI') as string,
  });
  expect(await readdir(join(cache, 'nighttrain', 'temporal-1.5.1'))).toEqual([]);
});

test('the cache is where each system keeps those of a user', () => {
  expect(cacheFolder({ XDG_CACHE_HOME: '/caches' })).toBe('/caches/nighttrain');
  expect(cacheFolder({ HOME: '/home/ada' })).toMatch(/^\/home\/ada\/(\.cache|Library\/Caches)\/nighttrain$/);
});

async function script(file: string, text = 'echo a temporal'): Promise<string> {
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return file;
}

/** Answers as Temporal's download service does: first where the archive is, then the archive. */
async function openSite(base: string): Promise<AsyncDisposable & { url: string; asked: URL[] }> {
  await script(join(base, 'content', 'temporal'));
  const archive = join(base, 'archive.tar.gz');
  await run('tar', ['-czf', archive, '-C', join(base, 'content'), 'temporal']);
  const bytes = await readFile(archive);
  const asked: URL[] = [];
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? '', site.url);
    asked.push(url);
    if (url.pathname.endsWith('.gz')) return response.end(bytes);
    response.setHeader('content-type', 'application/json');
    return response.end(
      JSON.stringify({ archiveUrl: `${site.url}/archive.tar.gz`, fileToExtract: 'temporal' }),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const site = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    [Symbol.asyncDispose]: async (): Promise<void> => {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
  return site;
}
