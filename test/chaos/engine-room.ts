import { join } from 'node:path';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import pg from 'pg';
import { startEngines } from '../../local/engines.ts';
import { readEngines, removeHome } from '../../local/home.ts';
import { hasEnded, signalTo, type ProcessMark } from '../../local/processes.ts';
import { sqlStateOf } from '../../warehouse/failure.ts';
import { until } from '../support/intake.ts';
import { buildProduct } from '../support/product.ts';
import { useEngines } from '../support/shared-engines.ts';
import { makeTemplate } from '../support/template.ts';

/** PostgreSQL and Temporal of our own, which may be struck: nobody else uses them. */
export class EngineRoom implements AsyncDisposable {
  readonly #home: string;
  databaseUrl = '';
  temporalAddress = '';

  private constructor(home: string) {
    this.#home = home;
  }

  static async open(): Promise<EngineRoom> {
    // Named so that the next test run takes it down, should this process be killed.
    const home = await mkdtemp(join(tmpdir(), `nighttrain-test-${process.pid}-`));
    const room = new EngineRoom(home);
    await room.start();
    await makeTemplate(room.databaseUrl, home);
    await buildProduct(home);
    useEngines({ databaseUrl: room.databaseUrl, temporalAddress: room.temporalAddress, runFolder: home });
    return room;
  }

  /** Starts what does not run, on the ports that it had. */
  async start(): Promise<void> {
    const { databaseUrl, temporalAddress } = await startEngines(this.#home, OPTIONS);
    this.databaseUrl = databaseUrl;
    this.temporalAddress = temporalAddress;
  }

  /** Ends an engine at once: PostgreSQL as by an immediate shutdown, Temporal by kill -9. */
  async strike(engine: 'postgres' | 'temporal'): Promise<void> {
    const mark = await this.#markOf(engine);
    await signalTo(mark, engine === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
    if (!(await hasEnded(mark, 10_000))) throw new Error(`${engine} did not end`);
  }

  /** PostgreSQL begins to shut down, as by `pg_ctl stop -m smart`: until its last client has left. */
  async closeDoors(): Promise<void> {
    await signalTo(await this.#markOf('postgres'), 'SIGTERM');
    await until(() => isTurnedAway(this.databaseUrl), 10_000);
  }

  async #markOf(engine: 'postgres' | 'temporal'): Promise<ProcessMark> {
    const { process: mark } = (await readEngines(this.#home))[engine] ?? {};
    if (!mark) throw new Error(`${engine} does not run`);
    return mark;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await startEngines(this.#home, OPTIONS)).stop();
    await removeHome(this.#home);
  }
}

/** Whether PostgreSQL says that it cannot let anybody in now. */
async function isTurnedAway(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    await client.end();
    return false;
  } catch (error) {
    if (sqlStateOf(error) === '57P03') return true;
    throw error;
  }
}

const OPTIONS = {
  postgres: true,
  temporal: true,
  env: process.env,
  say: () => undefined,
  // Nothing here outlives the server, so nothing waits for the disk; a server that is stopped at once loses nothing.
  postgresSettings: { fsync: 'off', synchronous_commit: 'on', max_connections: '200' },
} as const;
