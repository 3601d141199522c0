import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { EngineFailed } from '../rules/errors.ts';
import type { EngineState } from './home.ts';
import { turnLog, tailOfLogs } from './log-tail.ts';
import { freePorts, LOOPBACK } from './ports.ts';
import { hasEnded, isRunning, launch, signalTo, type ProcessMark } from './processes.ts';
import { findTemporalCli } from './temporal-cli.ts';
import { waitFor } from './wait.ts';

/** Searchable in Temporal's own UI (§3.4). The date is a keyword: a business date knows no time of day. */
const SEARCH_ATTRIBUTES = ['NightTrainDataset', 'NightTrainBusinessDate', 'NightTrainState'];
const NAMESPACE = 'default';
const RETENTION = '30 days';

const LAUNCH_MS = 60_000;
const READY_MS = 60_000;
const CALL_MS = 2_000;
const STOP_MS = 20_000;

/** A Temporal that runs under a home. */
export interface RunningTemporal {
  readonly port: number;
  readonly process: ProcessMark;
  readonly address: string;
  readonly uiPort?: number;
  readonly uiUrl?: string;
}

export interface TemporalStart {
  readonly home: string;
  /** As last seen. */
  readonly known: EngineState | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** Told as soon as a server process exists, so that it is found again whatever happens next. */
  readonly record: (state: EngineState) => Promise<void>;
}

/**
 * Starts the Temporal of a home, or adopts the one that runs. Call it under the home's lock. Throws
 * ConfigurationError (what a person must change) or EngineFailed (with the end of the server's log).
 */
export async function startTemporal(start: TemporalStart): Promise<RunningTemporal> {
  await mkdir(folderOf(start.home), { recursive: true });
  const { known } = start;
  if (known?.process && (await isRunning(known.process))) return untilReady(start, known, known.process);

  const cli = await findTemporalCli(start);
  let wanted = [known?.port, known?.uiPort];
  const started = await waitFor(
    async () => {
      const [port = 0, uiPort = 0, metricsPort = 0] = await freePorts([...wanted, undefined]);
      const log = join(folderOf(start.home), 'temporal.log');
      await turnLog(log);
      const launched = await launch(cli, serverArguments(start.home, { port, uiPort, metricsPort }), {
        cwd: folderOf(start.home),
        env: serverVariables(start.env),
        log,
      });
      const state = { port, uiPort, process: launched.mark };
      await start.record(state);
      try {
        return await untilReady(start, state, launched.mark);
      } catch (error) {
        if (!(error instanceof EngineFailed) || !/address already in use|can't set/.test(error.detail ?? ''))
          throw error;
        wanted = []; // taken since we looked
        return undefined;
      }
    },
    { withinMs: LAUNCH_MS, everyMs: 200, signal: start.signal },
  );
  if (started) return started;
  throw await failed('Temporal does not start', start.home);
}

/** The Temporal that runs under this home and answers, if any. */
export async function findTemporal(known: EngineState | undefined): Promise<RunningTemporal | undefined> {
  if (!known?.process || !(await isRunning(known.process))) return undefined;
  const found = await running(known, known.process);
  return (await serves(found.address)) ? found : undefined;
}

export async function stopTemporal(home: string, server: ProcessMark): Promise<void> {
  await signalTo(server, 'SIGTERM');
  await signalTo(server, 'SIGCONT'); // it may have been frozen
  if (await hasEnded(server, STOP_MS)) return;
  await signalTo(server, 'SIGKILL'); // its state is in SQLite, which survives that
  if (await hasEnded(server, STOP_MS)) return;
  throw await failed(`Temporal (process ${server.pid}) does not stop`, home);
}

const folderOf = (home: string): string => join(home, 'temporal');

function serverArguments(
  home: string,
  ports: { port: number; uiPort: number; metricsPort: number },
): string[] {
  const options = {
    ip: LOOPBACK,
    port: ports.port,
    'ui-ip': LOOPBACK,
    'ui-port': ports.uiPort,
    'metrics-port': ports.metricsPort,
    namespace: NAMESPACE,
    'db-filename': join(folderOf(home), 'temporal.db'),
    'sqlite-pragma': 'journal_mode=wal',
    // a night of three activities takes 124 ms with it, and 850 ms of seven without (§7)
    'dynamic-config-value': 'system.enableActivityEagerExecution=true',
    'log-level': 'warn',
    color: 'never',
  };
  return [
    'server',
    'start-dev',
    ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ...SEARCH_ATTRIBUTES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
    '--disable-config-file',
    '--disable-config-env',
  ];
}

/** What the server may know of our environment: no secrets (R17). */
const serverVariables = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  PATH: env['PATH'],
  HOME: env['HOME'],
  SystemRoot: env['SystemRoot'],
});

async function untilReady(
  start: TemporalStart,
  state: EngineState,
  server: ProcessMark,
): Promise<RunningTemporal> {
  const address = addressOf(state.port);
  const answer = await waitFor(
    async () => {
      if (!(await isRunning(server))) return 'ended';
      return (await serves(address)) ? 'ready' : undefined;
    },
    { withinMs: READY_MS, signal: start.signal },
  );
  if (answer === 'ended') throw await failed('Temporal ended while it started', start.home);
  if (answer === undefined) throw await failed(`Temporal does not answer on ${address}`, start.home);
  await keepHistories(address);
  return running(state, server);
}

async function running(state: EngineState, server: ProcessMark): Promise<RunningTemporal> {
  const { port, uiPort } = state;
  const found = { port, process: server, address: addressOf(port) };
  if (uiPort === undefined) return found;
  return { ...found, uiPort, ...((await hasUi(uiPort)) && { uiUrl: `http://${LOOPBACK}:${uiPort}` }) };
}

const addressOf = (port: number): string => `${LOOPBACK}:${port}`;

/** Whether the namespace is there, with the search attributes, which come last. */
async function serves(address: string): Promise<boolean> {
  try {
    return await withConnection(address, async ({ operatorService }) => {
      const { customAttributes } = await operatorService.listSearchAttributes({ namespace: NAMESPACE });
      return SEARCH_ATTRIBUTES.every((name) => name in customAttributes);
    });
  } catch {
    return false; // not yet: whether it ever will is the caller's question, with its deadline
  }
}

/** The dev server keeps closed workflows for a day; an operator on Monday asks about Friday. */
const keepHistories = (address: string): Promise<unknown> =>
  withConnection(address, ({ workflowService }) =>
    workflowService.updateNamespace({
      namespace: NAMESPACE,
      config: { workflowExecutionRetentionTtl: msToTs(RETENTION) },
    }),
  );

async function withConnection<T>(address: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address, connectTimeout: CALL_MS });
  try {
    return await connection.withDeadline(Date.now() + CALL_MS, () => work(connection));
  } finally {
    await connection.close();
  }
}

/** Some builds of the binary come without the UI. */
async function hasUi(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://${LOOPBACK}:${port}/`, { signal: AbortSignal.timeout(CALL_MS) });
    return answer.ok;
  } catch {
    return false; // the UI is a convenience: nothing waits for it
  }
}

const failed = async (what: string, home: string): Promise<EngineFailed> =>
  new EngineFailed(what, {
    detail: await tailOfLogs(folderOf(home)),
    hint: 'Look at the log above, or set TEMPORAL_ADDRESS to a Temporal of yours.',
  });
