import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { access, constants, mkdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import axios from 'axios';
import { ConfigurationError, EngineFailed } from '../rules/errors.ts';
import { withLock } from './lock.ts';

const run = promisify(execFile);

/** Newer versions do not install with `go install`. */
const VERSION = '1.5.1';
const EXECUTABLE = process.platform === 'win32' ? 'temporal.exe' : 'temporal';

const LOOK_UP_MS = 15_000;
const DOWNLOAD_MS = 10 * 60_000;
const DOWNLOAD_MAX_BYTES = 500e6;
const BUILD_MS = 20 * 60_000;
const STILL_THERE_MS = 15_000;

export interface FindTemporalCli {
  /** Read: TEMPORAL_CLI, PATH, XDG_CACHE_HOME, LOCALAPPDATA; the rest is handed on to Go. */
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** Where Temporal's SDKs ask for the binary. */
  readonly downloads?: string;
}

/**
 * The `temporal` binary: TEMPORAL_CLI, on the PATH, in our cache, downloaded as the SDK does, or built with Go.
 * Throws ConfigurationError when TEMPORAL_CLI cannot be run, EngineFailed when there is no way to have one.
 */
export async function findTemporalCli(options: FindTemporalCli): Promise<string> {
  const { env } = options;
  const named = env['TEMPORAL_CLI'];
  if (named) {
    if (await isExecutable(resolve(named))) return resolve(named);
    throw new ConfigurationError(`TEMPORAL_CLI names ${named}, which cannot be run`, {
      hint: 'Let it name the temporal binary, or unset it.',
    });
  }
  const onPath = await findOnPath('temporal', env);
  if (onPath) return onPath;

  const cache = join(cacheFolder(env), `temporal-${VERSION}`);
  const cached = join(cache, EXECUTABLE);
  if (await isExecutable(cached)) return cached;
  await mkdir(cache, { recursive: true });
  const onWait = (pid: number): void => options.say(`waiting for process ${pid}, which is fetching Temporal`);
  const { signal } = options;
  await withLock(join(cache, 'lock'), { withinMs: DOWNLOAD_MS + BUILD_MS, onWait, signal }, async () => {
    if (!(await isExecutable(cached))) await fetchInto(cache, options);
  });
  return cached;
}

/** Ours in the user's cache folder, as each system names it. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  const home = env['HOME'] || homedir();
  if (env['XDG_CACHE_HOME']) return join(env['XDG_CACHE_HOME'], 'nighttrain');
  if (process.platform === 'darwin') return join(home, 'Library', 'Caches', 'nighttrain');
  if (process.platform === 'win32' && env['LOCALAPPDATA']) return join(env['LOCALAPPDATA'], 'nighttrain');
  return join(home, '.cache', 'nighttrain');
}

/** Downloads or builds beside the cached name, then renames: nobody ever runs half a binary. */
async function fetchInto(cache: string, options: FindTemporalCli): Promise<void> {
  const draft = join(cache, `new-${randomBytes(4).toString('hex')}`);
  await mkdir(draft);
  try {
    const found = await download(draft, options).catch(async (error: unknown) => {
      options.signal?.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      options.say(`Temporal cannot be downloaded (${reason})`);
      return build(draft, options, reason);
    });
    await run(found, ['--version'], { timeout: STILL_THERE_MS });
    await rename(found, join(cache, EXECUTABLE));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

interface DownloadInfo {
  readonly archiveUrl: string;
  readonly fileToExtract: string;
}

/** As the SDK's own downloader: an address to ask for the archive, and the file in it. */
async function download(folder: string, { say, signal, downloads }: FindTemporalCli): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const bounds = (timeout: number) => ({
    timeout,
    signal: AbortSignal.any([AbortSignal.timeout(timeout), ...given(signal)]),
  });
  say(`looking for Temporal ${VERSION} to download`);
  const { data: info } = await axios.get<Partial<DownloadInfo>>(
    `${downloads ?? 'https://temporal.download'}/cli/v${VERSION}`,
    { params: { arch, platform, format: 'tar.gz' }, maxContentLength: 1e6, ...bounds(LOOK_UP_MS) },
  );
  if (!info.archiveUrl || !info.fileToExtract) throw new Error('the answer names no archive');
  say(`downloading Temporal ${VERSION}, once for this user`);
  const archive = join(folder, 'temporal.tar.gz');
  const { data } = await axios.get<Readable>(info.archiveUrl, {
    responseType: 'stream',
    maxContentLength: DOWNLOAD_MAX_BYTES,
    ...bounds(DOWNLOAD_MS),
  });
  await pipeline(data, createWriteStream(archive));
  await run('tar', ['-xzf', archive, '-C', folder, info.fileToExtract], { timeout: DOWNLOAD_MS });
  return join(folder, info.fileToExtract);
}

async function build(folder: string, { env, say, signal }: FindTemporalCli, reason: string): Promise<string> {
  const go = await findOnPath('go', env);
  if (!go) throw noTemporal(`the download failed (${reason}), and Go is not installed`);
  const began = performance.now();
  say(`building Temporal ${VERSION} with Go instead, once for this user: this takes a few minutes`);
  const ticking = setInterval(() => {
    say(`still building Temporal (${Math.round((performance.now() - began) / 1000)} s)`);
  }, STILL_THERE_MS);
  try {
    const built = spawn(go, ['install', `github.com/temporalio/cli/cmd/temporal@v${VERSION}`], {
      cwd: folder, // not in a project of the user's that has a go.mod
      env: { ...env, GOBIN: folder, GOFLAGS: '', CGO_ENABLED: '0' },
      stdio: ['ignore', 'ignore', 'pipe'],
      signal: AbortSignal.any([AbortSignal.timeout(BUILD_MS), ...given(signal)]),
    });
    let complaint = '';
    built.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => (complaint = (complaint + text).slice(-2000)));
    const [code] = (await once(built, 'close')) as [number | null];
    if (code !== 0)
      throw noTemporal(`the download failed (${reason}), and so did go install: ${complaint.trim()}`);
    return join(folder, EXECUTABLE);
  } finally {
    clearInterval(ticking);
  }
}

const noTemporal = (detail: string): EngineFailed =>
  new EngineFailed('There is no Temporal on this machine, and none could be fetched', {
    detail,
    hint: 'Install the temporal CLI (https://docs.temporal.io/cli) or set TEMPORAL_CLI to it; or set TEMPORAL_ADDRESS to a Temporal of yours.',
  });

async function findOnPath(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  for (const folder of (env['PATH'] ?? '').split(delimiter).filter(Boolean)) {
    const file = resolve(folder, name + suffix);
    if (await isExecutable(file)) return file;
  }
  return undefined;
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false; // absent or closed to us: either way we cannot run it
  }
}

const given = (signal: AbortSignal | undefined): AbortSignal[] => (signal ? [signal] : []);
