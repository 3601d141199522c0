import type { Client } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Deps } from '../activities/deps.ts';
import { createActivities } from '../activities/index.ts';
import { startDueEscalations } from '../activities/sweep-escalations.ts';
import type { Dataset } from '../rules/dataset.ts';
import { describe } from '../rules/errors.ts';
import { checkPrepared, checkServerVersion } from '../warehouse/bootstrap.ts';
import { connectionRefused } from '../warehouse/connection-refused.ts';
import { openWarehouse } from '../warehouse/data-source.ts';
import { checkDatasets } from '../warehouse/shape.ts';
import { TASK_QUEUE } from '../workflows/messages.ts';
import type { Config } from './config.ts';
import { ensureControl } from './control.ts';
import { createDeps } from './deps.ts';
import { openDoor } from './door.ts';
import { channelsOf } from './paging.ts';
import { bundleWorkflows } from './bundle.ts';
import { Interruptions } from './interruptions.ts';
import { applySchedules, keepOutOfChanges, type ScheduleChange } from './schedules.ts';
import { connectClient, ensureSearchAttributes, type TemporalTarget } from './temporal.ts';

export interface WorkerSetup {
  readonly config: Config;
  readonly datasets: ReadonlyMap<string, Dataset>;
  readonly loaderUrl: string;
  readonly temporal: TemporalTarget;
  readonly log: Logger;
  /** The workflows, where somebody has bundled them already; made here otherwise. */
  readonly workflowBundle?: WorkflowBundleOption;
  /** What the steps work with instead: tests take one thing away and see who notices. */
  readonly exchange?: (deps: Deps) => Deps;
}

/** A worker that polls. */
export interface RunningWorker {
  /** Settles when the worker has ended; rejects where it broke. */
  readonly done: Promise<void>;
  /** Takes no new work, lets running steps end within their grace, rolls the others back. */
  stop(): Promise<void>;
  /** Whether it asks for work: it neither drains nor has ended. */
  readonly isPolling: boolean;
  /** Steps that the stop rolled back; another worker takes them up again. */
  readonly interrupted: number;
}

/** A running transaction may end by itself for this long after SIGTERM; then it is rolled back (§7). */
const SHUTDOWN_GRACE = '3 s';
/** A worker that has not drained by then breaks: what it held is rolled back by PostgreSQL (R14). */
const SHUTDOWN_FORCE = '30 s';

/**
 * Starts a worker: the warehouse is held against the declarations, schedules and `control` are brought in line, then
 * it polls. @throws ConfigurationError where something does not fit
 */
export async function startWorker(setup: WorkerSetup): Promise<RunningWorker> {
  const { config, datasets, loaderUrl, temporal, log } = setup;
  keepOutOfChanges([...datasets.values()]); // refused before any work is taken up
  const warehouse = await openWarehouse(loaderUrl, { applicationName: 'nighttrain worker' }).catch(
    (error: unknown) => {
      throw connectionRefused(error, loaderUrl);
    },
  );
  const closers: (() => Promise<void>)[] = [() => warehouse.destroy()];
  const close = async () => {
    for (const closer of closers.splice(0).toReversed()) await closer(); // once, whoever comes first
  };
  try {
    await checkServerVersion(warehouse);
    await checkPrepared(warehouse);
    await checkDatasets(warehouse, [...datasets.values()]);
    const client = await connectClient(temporal);
    closers.push(() => client.connection.close());
    await ensureSearchAttributes(client, temporal.namespace);
    const { connectionOptions } = loadClientConnectConfig();
    const connection = await NativeConnection.connect({ ...connectionOptions, address: temporal.address });
    closers.push(() => connection.close());
    const interruptions = new Interruptions();
    const { exchange = (deps) => deps } = setup;
    const channels = await channelsOf(config.paging);
    const deps = exchange(createDeps({ ...setup, temporal: client, warehouse, channels }));
    const worker = await createWorker(setup, connection, deps, interruptions);
    closers.push(await openDoor({ ...deps, config }));
    const done = runToTheEnd(worker, close);
    const changes = await bringInLine(client, warehouse, datasets).catch(async (error: unknown) => {
      await stop(worker, done); // a connection that a worker holds cannot be closed
      throw error;
    });
    await deps.alarm.drainSpool();
    await pageWhoIsDue(deps);
    log.info(
      { taskQueue: TASK_QUEUE, datasets: datasets.size, schedules: changes, home: config.home },
      'worker started',
    );
    return {
      done,
      stop: () => stop(worker, done),
      get isPolling() {
        return worker.getState() === 'RUNNING';
      },
      get interrupted() {
        return interruptions.count;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function createWorker(
  setup: WorkerSetup,
  connection: NativeConnection,
  deps: Deps,
  interruptions: Interruptions,
): Promise<Worker> {
  return Worker.create({
    connection,
    namespace: setup.temporal.namespace,
    taskQueue: TASK_QUEUE,
    workflowBundle: setup.workflowBundle ?? (await bundleWorkflows()),
    activities: createActivities(deps),
    interceptors: { activity: [interruptions.interceptor] },
    shutdownGraceTime: SHUTDOWN_GRACE,
    shutdownForceTime: SHUTDOWN_FORCE,
    // A cancel reaches an activity with its next heartbeat: at most a second (§3, Cancellation).
    maxHeartbeatThrottleInterval: '1 s',
    defaultHeartbeatThrottleInterval: '1 s',
    // A night whose worker was killed goes on with another one after 2 s, not 10: our histories are short to replay.
    stickyQueueScheduleToStartTimeout: '2 s',
    // Every open poll of a worker that is frozen swallows a task: two of each kind are enough for nights, and few to lose.
    maxConcurrentWorkflowTaskPolls: 2,
    maxConcurrentActivityTaskPolls: 2,
    maxConcurrentActivityTaskExecutions: 8,
  });
}

async function bringInLine(
  client: Client,
  warehouse: DataSource,
  datasets: WorkerSetup['datasets'],
): Promise<ScheduleChange[]> {
  await ensureControl(client, warehouse);
  return applySchedules(client, [...datasets.values()]);
}

/** Alerts whose escalation nobody started while no worker was up wait for no sweep. */
async function pageWhoIsDue(deps: Deps): Promise<void> {
  try {
    await startDueEscalations(deps);
  } catch (error) {
    deps.log.warn({ error: describe(error) }, 'escalations that are due wait for the sweep');
  }
}

async function runToTheEnd(worker: Worker, close: () => Promise<void>): Promise<void> {
  try {
    await worker.run();
  } finally {
    await close();
  }
}

async function stop(worker: Worker, done: Promise<void>): Promise<void> {
  if (worker.getState() === 'RUNNING') worker.shutdown();
  await done;
}
