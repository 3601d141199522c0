import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { pino, type Logger } from 'pino';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, onTestFailed, TestRunner } from 'vitest';

import { startFreightApi, type FreightApi } from '../../local/freight-api/server.ts';
import type { Scenario } from '../../local/freight-api/scenario.ts';
import type { Deps } from '../../activities/deps.ts';
import { stepFields } from '../../activities/step-lines.ts';
import type { DatasetDay } from '../../rules/dataset-day.ts';
import type { Dataset } from '../../rules/dataset.ts';
import { openWarehouse } from '../../warehouse/data-source.ts';
import type { Config } from '../../worker/config.ts';
import { NO_MONITORING } from '../../worker/monitoring.ts';
import { NO_PAGING, type Paging } from '../../worker/paging.ts';
import { startWorker, type RunningWorker } from '../../worker/run.ts';
import { installRuntime } from '../../worker/runtime.ts';
import { connectClient, ensureSearchAttributes } from '../../worker/temporal.ts';
import {
  CONTROL_ID,
  loadWorkflowId,
  TASK_QUEUE,
  WORKFLOW_TASK_TIMEOUT,
  type LoadDayRequest,
} from '../../workflows/messages.ts';
import { TEST_DATASETS } from './datasets.ts';
import { endingOf, type Ending } from './ending.ts';
import { workflowBundle, WorkerProcess, type WorkerCommand } from './house-worker.ts';
import { dayOf, until } from './intake.ts';
import { sharedEngines } from './shared-engines.ts';
import { ask, PASSWORD, TEMPLATE } from './template.ts';
import { verify } from './verify.ts';
import { Wire } from './wire.ts';

export interface HouseOptions {
  /** By default all of test/support/datasets.ts, none of which has a schedule. */
  readonly datasets?: readonly Dataset[];
  /** The freight railway's API, answering by this scenario. */
  readonly freightApi?: Scenario;
  /** How its people are reached; by default nobody is. */
  readonly paging?: Paging;
  /** False where the test itself breaks what `verify` reads. */
  readonly verified?: boolean;
}

/** What an operator asked for and was answered, as nighttrain.request keeps it. */
export interface Answered {
  readonly requestId: string;
  readonly kind: string;
  readonly state: string;
  readonly answer: string;
  readonly payload: unknown;
}

/**
 * An installation of the test's own: a database cloned from the template, a Temporal namespace, a home, an inbox.
 * At its end its workers have drained, it has no session left, and what its database holds passes `verify`.
 */
export async function openHouse(options: HouseOptions = {}): Promise<House> {
  const name = `house_${randomUUID().replaceAll('-', '')}`;
  const folder = await mkdtemp(join(tmpdir(), 'nighttrain-house-'));
  await ask(sharedEngines().databaseUrl, `create database ${name} template ${TEMPLATE}`);
  const adminUrl = urlOf(name);
  const database = await openWarehouse(adminUrl, { applicationName: 'house', poolSize: 4 });
  const client = await connectClient({ address: sharedEngines().temporalAddress, namespace: name });
  await client.workflowService.registerNamespace({
    namespace: name,
    workflowExecutionRetentionPeriod: msToTs('2 days'),
  });
  await ensureSearchAttributes(client, name);
  const freight =
    options.freightApi && (await startFreightApi({ scenario: options.freightApi, token: PASSWORD }));
  const house = new House(name, folder, options, database, client, freight, await Wire.lay(adminUrl));
  if (TestRunner.getCurrentTest())
    onTestFailed(() => void process.stderr.write(`${house.lines.slice(-60).join('')}\n`));
  return house;
}

/** A house with a worker for all tests of a file, each of which keeps to days of its own. */
export function shareHouse(options: HouseOptions = {}): () => House {
  let house: House | undefined;
  beforeAll(async () => {
    house = await openHouse(options);
    await house.startWorker();
  });
  afterAll(() => house?.[Symbol.asyncDispose]());
  return () => {
    if (!house) throw new Error('the house is opened before the first test');
    return house;
  };
}

let isRuntimeInstalled = false;

/** The SDK's own lines are not wanted between the tests' names. */
function quietRuntime(): void {
  if (!isRuntimeInstalled) installRuntime(pino({ level: 'silent' }));
  isRuntimeInstalled = true;
}

export class House implements AsyncDisposable {
  readonly name: string;
  readonly folder: string;
  readonly datasets: ReadonlyMap<string, Dataset>;
  /** For looking, as the superuser. */
  readonly database: DataSource;
  readonly client: Client;
  /** Between the loader and PostgreSQL. */
  readonly wire: Wire;
  /** What the workers inside this process have logged. */
  readonly lines: string[] = [];
  readonly log: Logger;
  readonly #options: HouseOptions;
  readonly #freight: FreightApi | undefined;
  readonly #workers: RunningWorker[] = [];
  readonly #processes: WorkerProcess[] = [];
  readonly #opened: DataSource[] = [];

  constructor(
    name: string,
    folder: string,
    options: HouseOptions,
    database: DataSource,
    client: Client,
    freight: FreightApi | undefined,
    wire: Wire,
  ) {
    this.name = name;
    this.folder = folder;
    this.database = database;
    this.client = client;
    this.wire = wire;
    this.datasets = new Map((options.datasets ?? TEST_DATASETS).map((one) => [one.name, one]));
    this.log = pino(
      { level: 'debug', base: null, mixin: stepFields },
      { write: (line) => void this.lines.push(line) },
    );
    this.#options = options;
    this.#freight = freight;
  }

  /** Of the loader, by way of the wire. */
  get loaderUrl(): string {
    return this.wire.through(urlOf(this.name, 'nighttrain_loader'));
  }

  get readerUrl(): string {
    return urlOf(this.name, 'nighttrain_reader');
  }

  get freightUrl(): string {
    if (!this.#freight) throw new Error('this house was opened without a freight API');
    return this.#freight.url;
  }

  /**
   * A worker inside this process.
   * @param exchange what its steps work with instead
   */
  async startWorker(exchange: (deps: Deps) => Deps = (deps) => deps): Promise<RunningWorker> {
    quietRuntime();
    const worker = await startWorker({
      config: this.#config(),
      datasets: this.datasets,
      loaderUrl: this.loaderUrl,
      temporal: { address: sharedEngines().temporalAddress, namespace: this.name },
      log: this.log,
      workflowBundle: await workflowBundle(),
      exchange,
    });
    this.#workers.push(worker);
    return worker;
  }

  /**
   * A worker that is a process, with all test datasets.
   * @param env more variables
   * @param command what to start in the place of `nighttrain worker`
   */
  async startWorkerProcess(
    env: Readonly<Record<string, string>> = {},
    command?: WorkerCommand,
  ): Promise<WorkerProcess> {
    const variables = {
      NIGHTTRAIN_HOME: this.folder,
      NIGHTTRAIN_DATABASE_URL: this.loaderUrl,
      TEMPORAL_ADDRESS: sharedEngines().temporalAddress,
      TEMPORAL_NAMESPACE: this.name,
      LOG_LEVEL: 'debug',
      FREIGHT_API_URL: this.#freight?.url ?? '',
      FREIGHT_API_TOKEN: PASSWORD,
      ...env,
    };
    const worker = await WorkerProcess.start(variables, command);
    this.#processes.push(worker);
    return worker;
  }

  /** Puts a file into the inbox: its lines, or its bytes. */
  async put(dataset: string, name: string, content: readonly string[] | Uint8Array): Promise<void> {
    const folder = join(this.folder, 'inbox', dataset);
    await mkdir(folder, { recursive: true });
    const bytes = content instanceof Uint8Array ? content : `${content.join('\n')}\n`;
    await writeFile(join(folder, name), bytes);
  }

  /** Starts a load and does not wait for it. */
  async start(dataset: string, date: string, kind: LoadDayRequest['kind'] = 'run'): Promise<WorkflowHandle> {
    const day = { dataset, businessDate: dayOf(date) };
    return this.client.workflow.start('loadDay', {
      workflowId: loadWorkflowId(day),
      taskQueue: TASK_QUEUE,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      args: [{ ...day, kind } satisfies LoadDayRequest],
    });
  }

  /** Loads a day and waits for its end. */
  async run(dataset: string, date: string): Promise<Ending> {
    return endingOf(await this.start(dataset, date));
  }

  /** Asks control for a replay by a plain signal, and waits for the replay's end. */
  async replay(dataset: string, date: string, more: { takeOver?: boolean } = {}): Promise<Ending> {
    const requestId = randomUUID();
    await this.signal('replayDay', this.replayPayload(dataset, date, { requestId, ...more }));
    const { state, answer } = await this.answerTo(requestId);
    if (state !== 'started') throw new Error(`the replay was not started: ${state}, ${answer}`);
    return endingOf(this.load(dataset, date, answer.split(' run ')[1]));
  }

  replayPayload(dataset: string, date: string, more: Readonly<Record<string, unknown>> = {}) {
    return { dataset, businessDate: date, requestedBy: 'test', reason: 'to see', ...more };
  }

  /** Any signal to control. */
  async signal(name: string, ...payloads: unknown[]): Promise<void> {
    await this.client.workflow.getHandle(CONTROL_ID).signal(name, ...payloads);
  }

  load(dataset: string, date: string, runId?: string): WorkflowHandle {
    return this.client.workflow.getHandle(loadWorkflowId({ dataset, businessDate: dayOf(date) }), runId);
  }

  async requests(): Promise<Answered[]> {
    return this.database.query(
      `select request_id as "requestId", kind, state, answer, payload from nighttrain.request order by received_at`,
    );
  }

  /** Waits until a request is answered. */
  async answerTo(requestId: string): Promise<Answered> {
    let found: Answered | undefined;
    await until(async () => {
      found = (await this.requests()).find((one) => one.requestId === requestId);
      return found !== undefined && found.state !== 'accepted';
    }, 60_000);
    return found as Answered;
  }

  async attempts(dataset: string, date: string): Promise<Record<string, unknown>[]> {
    return this.database.query(
      `select epoch, load_epoch as "loadEpoch", kind, state, rows_read as read, rows_loaded as loaded,
         rows_rejected as rejected, rows_discarded as discarded, rows_deduplicated as deduplicated,
         rejected_by_rule as "rejectedByRule", error, load_id as "loadId"
       from nighttrain.attempt where dataset = $1 and business_date = $2 order by epoch`,
      [dataset, date],
    );
  }

  async quarantine(dataset: string, date: string): Promise<Record<string, unknown>[]> {
    return this.database.query(
      `select epoch, part, record, line, column_name as "column", rule, reason, raw
       from nighttrain.quarantine where dataset = $1 and business_date = $2 order by epoch, part, record`,
      [dataset, date],
    );
  }

  /** Rows of one question to the database. */
  async ask<Row = Record<string, unknown>>(question: string, values: unknown[] = []): Promise<Row[]> {
    return this.database.query<Row[]>(question, values);
  }

  /** Another connection or pool, closed with the house. */
  async open(url: string, applicationName: string, poolSize = 1): Promise<DataSource> {
    const source = await openWarehouse(url, { applicationName, poolSize });
    this.#opened.push(source);
    return source;
  }

  /** Sessions of loads, by their names. */
  async loadSessions(day?: DatasetDay): Promise<string[]> {
    const prefix = day ? `nt:${day.dataset}:${day.businessDate}:` : 'nt:';
    const rows = await this.ask<{ name: string }>(
      `select application_name as name from pg_stat_activity
       where datname = current_database() and starts_with(application_name, $1)`,
      [prefix],
    );
    return rows.map(({ name }) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#processes) await worker[Symbol.asyncDispose]();
    for (const worker of this.#workers) await worker.stop();
    for (const source of this.#opened) if (source.isInitialized) await source.destroy();
    await this.#freight?.close();
    const faults = await this.#leftSessions();
    if (this.#options.verified !== false) faults.push(...(await verify(this.database)));
    await this.wire[Symbol.asyncDispose]();
    await this.database.destroy();
    await this.client.connection.close();
    await ask(sharedEngines().databaseUrl, `drop database ${this.name} with (force)`);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
    if (faults.length > 0) throw new Error(`the house is not in order:\n${faults.join('\n')}`);
  }

  /** Who is still connected when everybody should have left. */
  async #leftSessions(): Promise<string[]> {
    const others = () =>
      this.ask<{ name: string }>(
        `select application_name as name from pg_stat_activity
         where datname = current_database() and application_name <> 'house'
           and backend_type = 'client backend'`,
      );
    await until(async () => (await others()).length === 0, 5_000).catch(() => undefined);
    return (await others()).map(({ name }) => `session ${name} is left`);
  }

  #config(): Config {
    const variables = { FREIGHT_API_URL: this.#freight?.url, FREIGHT_API_TOKEN: PASSWORD };
    return {
      projectRoot: this.folder,
      home: this.folder,
      inbox: join(this.folder, 'inbox'),
      databaseUrl: undefined,
      adminDatabaseUrl: undefined,
      loaderPassword: undefined,
      temporalAddress: undefined,
      temporalNamespace: this.name,
      logLevel: 'debug',
      paging: this.#options.paging ?? NO_PAGING,
      monitoring: NO_MONITORING,
      env: (name) => new Map(Object.entries(variables)).get(name),
      isUnderNpm: false,
      environment: {},
    };
  }
}

/** Of the superuser, or of one of the roles. */
function urlOf(database: string, role?: string): string {
  const url = new URL(sharedEngines().databaseUrl);
  url.pathname = database;
  if (role !== undefined) {
    url.username = role;
    url.password = PASSWORD;
  }
  return url.href;
}
