import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import type { DataSource } from 'typeorm';
import { inject } from 'vitest';
import { openWarehouse } from '../../warehouse/data-source.ts';
import { connectClient, ensureSearchAttributes } from '../../worker/temporal.ts';
import { until } from './intake.ts';
import { builtProject, nighttrainBin } from './product.ts';
import { ask, PASSWORD } from './template.ts';

/** What a command answered. */
export interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * An installation as a user has it: the package, with this repository as the project; a home and a database of its own
 * on the shared engines; `nighttrain up` and every command as processes.
 * @param tablespace where its database lies, if not where all others do
 */
export async function openInstallation(tablespace = 'pg_default'): Promise<TestInstallation> {
  const name = `installation_${randomUUID().replaceAll('-', '')}`;
  const home = await mkdtemp(join(tmpdir(), 'nighttrain-installation-'));
  await ask(inject('databaseUrl'), `create database ${name} tablespace ${tablespace}`);
  const url = new URL(inject('databaseUrl'));
  url.pathname = name;
  const client = await newNamespace(name);
  const database = await openWarehouse(url.href, { applicationName: 'test', poolSize: 2 });
  return new TestInstallation(name, home, url.href, database, client);
}

/** A namespace without workers. Closing the client's connection is the caller's. */
export async function newNamespace(name: string): Promise<Client> {
  const client = await connectClient({ address: inject('temporalAddress'), namespace: name });
  await client.workflowService.registerNamespace({
    namespace: name,
    workflowExecutionRetentionPeriod: msToTs('2 days'),
  });
  await ensureSearchAttributes(client, name);
  return client;
}

export class TestInstallation implements AsyncDisposable {
  readonly name: string;
  readonly home: string;
  /** For looking, as the superuser. */
  readonly database: DataSource;
  readonly client: Client;
  readonly #databaseUrl: string;
  #up: Command | undefined;

  constructor(name: string, home: string, databaseUrl: string, database: DataSource, client: Client) {
    this.name = name;
    this.home = home;
    this.database = database;
    this.client = client;
    this.#databaseUrl = databaseUrl;
  }

  get inbox(): string {
    return join(this.home, 'inbox');
  }

  /** Of `nighttrain up`, which is the worker. */
  get workerPid(): number {
    return this.#up?.pid ?? 0;
  }

  /** `nighttrain up`, until it says that it is. */
  async up(): Promise<void> {
    const up = this.start(['up']);
    this.#up = up;
    await until(() => up.stdout.includes('Night Train is up') || up.hasEnded, 60_000);
    if (up.hasEnded) throw new Error(`up ended: ${up.stderr}`);
  }

  /** Runs a command to its end. */
  async run(line: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Answer> {
    return this.start(line, env).answer();
  }

  /** Runs a command with --json and parses its one document. */
  async json<Document = Record<string, unknown>>(line: readonly string[]): Promise<Document> {
    const { stdout, stderr } = await this.run([...line, '--json']);
    if (stdout === '') throw new Error(`no document: ${stderr}`);
    return JSON.parse(stdout) as Document;
  }

  /** @param folder the project; by default this repository, as the package has it */
  start(line: readonly string[], env: NodeJS.ProcessEnv = {}, folder = builtProject()): Command {
    const environment = {
      ...process.env,
      NIGHTTRAIN_HOME: this.home,
      NIGHTTRAIN_DATABASE_URL: this.#databaseUrl,
      NIGHTTRAIN_LOADER_PASSWORD: PASSWORD,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: this.name,
      LOG_LEVEL: 'warn',
      ...env,
    };
    return new Command(line, environment, folder);
  }

  /** Rows of one question to the database. */
  async ask<Row = Record<string, unknown>>(question: string, values: unknown[] = []): Promise<Row[]> {
    return this.database.query<Row[]>(question, values);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#up?.kill('SIGINT');
    await this.#up?.answer();
    await this.database.destroy();
    await this.client.connection.close();
    await ask(inject('databaseUrl'), `drop database ${this.name} with (force)`);
    await rm(this.home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A test that is timed out never comes to its end, and so never to the end of its commands. */
const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** A running command. */
export class Command {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;

  constructor(line: readonly string[], env: NodeJS.ProcessEnv, folder = builtProject()) {
    const child = spawn(process.execPath, [nighttrainBin(), ...line], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    running.add(child);
    this.#child = child;
    this.#closed = once(child, 'close').finally(() => running.delete(child));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async answer(): Promise<Answer> {
    await this.#closed;
    return { code: this.#child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }
}
