import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEngines, type Engines } from '../../local/engines.ts';
import { removeHome } from '../../local/home.ts';
import { waitFor } from '../../local/wait.ts';
import { EngineFailed } from '../../rules/errors.ts';
import { startSampleSources, type SampleSources } from '../sample-sources.ts';
import type { Narrator } from './narrator.ts';
import { endWorker, runCommand, startWorkerProcess, type Ended, type Shell } from './processes.ts';
import { writeDemoProject } from './project.ts';

const LONGEST_WAIT_MS = 45_000;

/** The installation that the demo plays in: a project of its own in a temporary folder, engines, sources, workers. */
export class DemoHouse {
  readonly folder: string;
  readonly inbox: string;
  readonly engines: Engines;
  readonly sources: SampleSources;
  readonly shell: Shell;
  readonly #database: pg.Client;
  readonly #workers: ChildProcess[] = [];

  private constructor(
    parts: Pick<DemoHouse, 'folder' | 'inbox' | 'engines' | 'sources' | 'shell'> & { database: pg.Client },
  ) {
    this.folder = parts.folder;
    this.inbox = parts.inbox;
    this.engines = parts.engines;
    this.sources = parts.sources;
    this.shell = parts.shell;
    this.#database = parts.database;
  }

  /** @param environment of the demo; whatever in it names another installation is left out */
  static async open(
    environment: NodeJS.ProcessEnv,
    signal: AbortSignal,
    narrator: Narrator,
  ): Promise<DemoHouse> {
    const folder = await mkdtemp(join(tmpdir(), 'nighttrain-demo-'));
    const home = homeOf(folder);
    const inbox = join(home, 'inbox');
    const say = (line: string) => narrator.said(line);
    const closers: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
    try {
      await writeDemoProject(folder);
      const engines = await startEngines(home, {
        postgres: true,
        temporal: true,
        env: environment,
        say,
        signal,
      });
      closers.push(
        () => removeHome(home),
        () => engines.stop(),
      );
      const sources = await startSampleSources(inbox);
      closers.push(() => sources.close());
      const database = await connect(engines.databaseUrl);
      const env = { ...withoutInstallation(environment), ...sources.variables, NIGHTTRAIN_HOME: home };
      const shell = { folder, env, signal };
      return new DemoHouse({ folder, inbox, engines, sources, shell, database });
    } catch (error) {
      for (const close of closers.toReversed()) await close();
      throw error;
    }
  }

  /** Runs one command of ours, told as an operator would see it. */
  nighttrain(narrator: Narrator, ...args: readonly string[]): Promise<Ended> {
    narrator.command(`npx nighttrain ${args.join(' ')}`);
    return runCommand(this.shell, args, (line) => narrator.said(line));
  }

  /** Answers when it polls. */
  async startWorker(): Promise<void> {
    const log = join(this.folder, `worker-${this.#workers.length + 1}.log`);
    const worker = await startWorkerProcess(this.shell, log);
    this.#workers.push(worker);
  }

  /** The youngest worker dies without a chance to tidy up. */
  async crashWorker(): Promise<void> {
    const worker = this.#workers.at(-1);
    if (worker) await endWorker(worker, 'SIGKILL');
  }

  /** The only value of a query's only row. */
  async value(sql: string, ...values: readonly unknown[]): Promise<unknown> {
    const { rows } = await this.#database.query<unknown[]>({
      text: sql,
      values: [...values],
      rowMode: 'array',
    });
    return rows[0]?.[0];
  }

  /** Flights of a day that readers see. */
  flightsOf(date: string): Promise<unknown> {
    return this.value('select count(*)::int from warehouse.flight where business_date = $1', date);
  }

  /** Asks until the query's value is true. @throws EngineFailed where it takes too long */
  async until(what: string, sql: string, ...values: readonly unknown[]): Promise<void> {
    const { signal } = this.shell;
    const ask = async () => ((await this.value(sql, ...values)) === true ? true : undefined);
    if (await waitFor(ask, { withinMs: LONGEST_WAIT_MS, everyMs: 20, signal })) return;
    throw new EngineFailed(`The demo waited in vain: ${what}`, {
      hint: 'Look at what is left: npx nighttrain demo --keep',
    });
  }

  /** Switches days or faults of the freight API on. */
  async ask(scenario: object): Promise<unknown> {
    const url = `${this.sources.url}/control`;
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(scenario) });
    return response.json();
  }

  /** A second connection, for playing somebody else. */
  connect(): Promise<pg.Client> {
    return connect(this.engines.databaseUrl);
  }

  /** Worker first, engines last. */
  async close(keep: boolean): Promise<void> {
    for (const worker of this.#workers) await endWorker(worker, 'SIGTERM');
    await this.#database.end();
    await this.sources.close();
    await this.engines.stop();
    if (keep) return;
    await removeHome(homeOf(this.folder));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The default place (§6): whoever keeps the demo runs commands in its folder without further ado. */
const homeOf = (folder: string): string => join(folder, '.nighttrain');

async function connect(databaseUrl: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'nighttrain demo' });
  client.on('error', () => {}); // also told to the query that waits
  await client.connect();
  return client;
}

/** The demo is an installation of its own: only where the `temporal` binary lies is taken over. */
function withoutInstallation(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = /^(NIGHTTRAIN_|TEMPORAL_(?!CLI$)|FREIGHT_API_)/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.test(name)));
}
