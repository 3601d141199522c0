import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { waitForEnd } from '../cli/day-end.ts';
import { OpenEngines, openInstallation } from '../cli/installation.ts';
import { startLoad } from '../cli/start-load.ts';
import { readEngines, removeHome } from '../local/home.ts';
import { findPostgres } from '../local/postgres.ts';
import { withServer } from './copy.ts';
import type { Pids } from './memory.ts';
import type { Receipt } from '../rules/attempt.ts';
import { dayLabel, type DatasetDay } from '../rules/dataset-day.ts';

const START_MS = 300_000;

/** One night as it was timed: from the request to the receipt. */
export interface TimedNight {
  readonly ms: number;
  readonly receipt: Receipt;
}

/**
 * An installation of its own for a measurement, as `nighttrain up` makes it: embedded engines, this repository as the
 * project, everything under one temporary folder.
 */
export class BenchHouse implements AsyncDisposable {
  readonly inbox: string;
  /** The superuser's address of its database, for what a user would do without Night Train. */
  readonly databaseUrl: string;
  readonly engines: OpenEngines;
  /** The worker is part of `up`, which starts the engines, too. */
  readonly pids: Pids;
  readonly #folder: string;
  readonly #up: ChildProcess;

  private constructor(
    folder: string,
    up: ChildProcess,
    engines: OpenEngines,
    databaseUrl: string,
    pids: Pids,
  ) {
    this.#folder = folder;
    this.#up = up;
    this.inbox = join(folder, 'inbox');
    this.engines = engines;
    this.databaseUrl = databaseUrl;
    this.pids = pids;
  }

  static async open(): Promise<BenchHouse> {
    const folder = await mkdtemp(join(tmpdir(), 'nighttrain-bench-'));
    const home = join(folder, 'home');
    // The parts of a command that open an installation read it from the environment.
    Object.assign(process.env, { NIGHTTRAIN_HOME: home, NIGHTTRAIN_INBOX: join(folder, 'inbox') });
    const up = spawn(process.execPath, [resolve('bin/nighttrain.js'), 'up'], {
      env: { ...process.env, LOG_LEVEL: 'warn' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await untilItSays(up, 'Night Train is up');
      const { postgres, temporal } = await readEngines(home);
      const server = await findPostgres(home, postgres);
      if (!server || !up.pid || !temporal?.process) throw new Error('The engines do not answer');
      const engines = await OpenEngines.open(await openInstallation());
      const pids = { worker: up.pid, server: server.process.pid, others: [temporal.process.pid] };
      return new BenchHouse(folder, up, engines, server.url, pids);
    } catch (error) {
      await end(up, folder);
      throw error;
    }
  }

  /** Loads a day that is not loaded yet. @throws where it does not load */
  async load(day: DatasetDay): Promise<TimedNight> {
    const { client, warehouse } = this.engines;
    const begun = performance.now();
    const runId = await startLoad(client, { ...day, kind: 'run' });
    const { receipt, error } = await waitForEnd({ client, warehouse, day, runId });
    if (!receipt) throw new Error(`${dayLabel(day)} did not load: ${error?.message}`);
    return { ms: performance.now() - begun, receipt };
  }

  /** Lets what was written before reach the disk, so that it is not paid for by whoever comes next. */
  async settle(): Promise<void> {
    await withServer(this.databaseUrl, (client) => client.query('checkpoint'));
    await once(spawn('sync', { stdio: 'inherit' }), 'exit'); // generated files, too
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engines[Symbol.asyncDispose]();
    await end(this.#up, this.#folder);
  }
}

async function untilItSays(child: ChildProcess, words: string): Promise<void> {
  let said = '';
  const deadline = AbortSignal.timeout(START_MS);
  const ended = once(child, 'exit', { signal: deadline }).then(() => {
    throw new Error(`nighttrain up ended: ${said}`);
  });
  const heard = new Promise<void>((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes(words)) resolve();
    });
  });
  await Promise.race([heard, ended]);
  ended.catch(() => undefined); // its end, once it is wanted
}

async function end(up: ChildProcess, folder: string): Promise<void> {
  if (up.exitCode === null && up.signalCode === null) {
    const gone = once(up, 'exit');
    up.kill('SIGTERM');
    await gone;
  }
  await removeHome(join(folder, 'home'));
  await rm(folder, { recursive: true, force: true });
}
