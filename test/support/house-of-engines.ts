import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import pg from 'pg';
import { findEngines, startEngines, type Engines, type FoundEngines } from '../../local/engines.ts';
import { readEngines, readHome, removeHome, type EnginesState } from '../../local/home.ts';
import { hasEnded, signalTo, type ProcessUser } from '../../local/processes.ts';

const run = promisify(execFile);

/** A home for the engines of one test; at its end they are gone, and so is the home. */
export async function openHouseOfEngines(mode = 0o755): Promise<HouseOfEngines> {
  const folder = await mkdtemp(join(tmpdir(), `nighttrain-engines-${process.pid}-`));
  await chmod(folder, mode);
  return new HouseOfEngines(folder);
}

export class HouseOfEngines implements AsyncDisposable {
  /** Holds the home. */
  readonly folder: string;
  readonly home: string;
  readonly said: string[] = [];
  readonly #children: ChildProcess[] = [];

  constructor(folder: string) {
    this.folder = folder;
    this.home = join(folder, 'home');
  }

  /** @param settings over those of the embedded server */
  startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<Engines<true, false>> {
    const common = this.#common();
    const postgresSettings = { ...common.postgresSettings, ...settings };
    return startEngines(this.home, { ...common, postgresSettings, postgres: true, temporal: false });
  }

  startBoth(): Promise<Engines> {
    return startEngines(this.home, { ...this.#common(), postgres: true, temporal: true });
  }

  find(): Promise<FoundEngines> {
    return findEngines(this.home);
  }

  recorded(): Promise<EnginesState> {
    return readEngines(this.home);
  }

  /** Starts engines from another process, in a process group of its own, which then stays until it is killed. */
  async startElsewhere(
    how: { engines?: 'postgres' | 'both'; checkout?: string; user?: ProcessUser | undefined } = {},
  ): Promise<{ engines: FoundEngines; child: ChildProcess }> {
    const checkout = how.checkout ?? resolve('.');
    const script = join(checkout, 'test/support/start-engines.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', script, this.home, how.engines ?? 'postgres'], {
      cwd: checkout,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      ...(how.user && { uid: how.user.uid, gid: how.user.gid, env: { ...process.env, HOME: this.folder } }),
    });
    this.#children.push(child);
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    for await (const line of createInterface(child.stdout)) {
      return { engines: JSON.parse(line) as FoundEngines, child };
    }
    throw new Error(`the other process started no engines: ${complaint}`);
  }

  /** The processes that were started for this home, or work in it. */
  async processes(): Promise<string[]> {
    const folders = [this.home, (await readHome(this.home))?.postgresFolder ?? this.home];
    const found = [];
    const { stdout } = await run('ps', ['-eo', 'pid=,args='], { maxBuffer: 10e6 });
    for (const line of stdout.split('\n')) {
      const folder = await readlink(`/proc/${line.trim().split(' ')[0]}/cwd`).catch(() => ''); // ended by now
      if (folders.some((one) => line.includes(one) || folder.startsWith(one))) found.push(line.trim());
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) await kill(child);
    const { postgres, temporal } = await this.recorded();
    for (const engine of [postgres, temporal]) {
      if (!engine?.process) continue;
      await signalTo(engine.process, 'SIGCONT');
      await signalTo(engine.process, 'SIGQUIT');
      if (!(await hasEnded(engine.process, 10_000))) throw new Error(`process ${engine.process.pid} is left`);
    }
    await removeHome(this.home);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #common() {
    const say = (line: string): void => void this.said.push(line);
    return { env: process.env, say, postgresSettings: { fsync: 'off' } };
  }
}

export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** One value from a database. */
export async function ask(databaseUrl: string, question: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<unknown[]>({ text: question, rowMode: 'array' });
    return rows[0]?.[0];
  } finally {
    await client.end();
  }
}
