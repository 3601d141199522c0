import { join, resolve } from 'node:path';
import {
  openHome,
  readEngines,
  readHome,
  writeEngines,
  type EnginesState,
  type EngineState,
} from './home.ts';
import { withLock } from './lock.ts';
import type { ProcessMark } from './processes.ts';
import { findPostgres, startPostgres, stopPostgres, type RunningPostgres } from './postgres.ts';
import { findTemporal, startTemporal, stopTemporal, type RunningTemporal } from './temporal.ts';

/** Longer than any start or stop takes by itself, but for the first fetching of Temporal. */
const LOCK_MS = 5 * 60_000;

/** What runs under a home now, alive when it was asked. */
export interface FoundEngines {
  /** Of the superuser. */
  readonly databaseUrl?: string;
  /** Host and port. */
  readonly temporalAddress?: string;
  /** Absent when the binary comes without the UI. */
  readonly temporalUiUrl?: string;
}

/** The engines that were asked for. */
export interface Engines<Postgres extends boolean = true, Temporal extends boolean = true> {
  /** Of the superuser. */
  readonly databaseUrl: Postgres extends true ? string : string | undefined;
  /** Host and port. */
  readonly temporalAddress: Temporal extends true ? string : string | undefined;
  /** Undefined also when the binary comes without the UI. */
  readonly temporalUiUrl: string | undefined;
  /** Stops those engines, whoever else uses them. Drain the worker first. */
  stop(): Promise<void>;
}

export interface StartOptions<Postgres extends boolean = boolean, Temporal extends boolean = boolean> {
  readonly postgres: Postgres;
  readonly temporal: Temporal;
  /** Told what is going on, a line at a time: the first start may take minutes. */
  readonly say: (line: string) => void;
  /** The process's variables: PATH, HOME, TEMPORAL_CLI and the folders for caches are read. */
  readonly env: NodeJS.ProcessEnv;
  /** PostgreSQL settings over ours. */
  readonly postgresSettings?: Readonly<Record<string, string>>;
  /** Gives up the start. */
  readonly signal?: AbortSignal;
}

/**
 * Starts PostgreSQL and Temporal under a home, or adopts those that run there, however they were left. They live
 * in process groups of their own until `stop`. Throws ConfigurationError (what a person must change) or EngineFailed
 * (what happened, with the end of the server's log); then nothing that this call started is left.
 */
export async function startEngines<Postgres extends boolean, Temporal extends boolean>(
  home: string,
  options: StartOptions<Postgres, Temporal>,
): Promise<Engines<Postgres, Temporal>> {
  const folder = resolve(home);
  await openHome(folder);
  return locked(folder, options, async () => {
    const before = await readEngines(folder);
    const common = { ...options, home: folder, settings: options.postgresSettings ?? {} };
    const record = recorder(folder, before);
    const recordPostgres = (state: EngineState): Promise<void> => record({ postgres: state });
    const recordTemporal = (state: EngineState): Promise<void> => record({ temporal: state });
    const [postgres, temporal] = await Promise.allSettled([
      options.postgres
        ? startPostgres({ ...common, known: before.postgres, record: recordPostgres })
        : undefined,
      options.temporal
        ? startTemporal({ ...common, known: before.temporal, record: recordTemporal })
        : undefined,
    ]);
    if (postgres.status === 'rejected' || temporal.status === 'rejected') {
      await stopAll(folder, options, before);
      throw postgres.status === 'rejected' ? postgres.reason : (temporal as PromiseRejectedResult).reason;
    }
    if (postgres.value) await recordPostgres(stateOf(postgres.value));
    if (temporal.value) await recordTemporal(stateOf(temporal.value));
    return {
      databaseUrl: postgres.value?.url,
      temporalAddress: temporal.value?.address,
      temporalUiUrl: temporal.value?.uiUrl,
      stop: () => stopEngines(folder, options),
    } as Engines<Postgres, Temporal>; // asked for and not refused: it is there
  });
}

/** The engines that run under this home now, each asked whether it answers. Starts and changes nothing. */
export async function findEngines(home: string): Promise<FoundEngines> {
  const folder = resolve(home);
  if ((await readHome(folder)) === undefined) return {};
  const known = await readEngines(folder);
  const [postgres, temporal] = await Promise.all([
    findPostgres(folder, known.postgres),
    findTemporal(known.temporal),
  ]);
  return {
    ...(postgres && { databaseUrl: postgres.url }),
    ...(temporal && { temporalAddress: temporal.address }),
    ...(temporal?.uiUrl && { temporalUiUrl: temporal.uiUrl }),
  };
}

/** Stops engines that run under a home, whoever started them; none is no error. Drain the worker first. */
export async function stopEngines(home: string, options: StartOptions): Promise<void> {
  const folder = resolve(home);
  if ((await readHome(folder)) === undefined) return;
  await locked(folder, { say: options.say }, () => stopAll(folder, options));
}

/** Stops the engines that were asked for, but those that ran before when it is a failed start that is cleaned up. */
async function stopAll(home: string, options: StartOptions, before: EnginesState = {}): Promise<void> {
  const { postgres, temporal } = await readEngines(home);
  const stops = [];
  if (options.postgres && ours(postgres, before.postgres))
    stops.push(stopPostgres(home, postgres.process, options.env));
  if (options.temporal && ours(temporal, before.temporal)) stops.push(stopTemporal(home, temporal.process));
  const failure = (await Promise.allSettled(stops)).find((one) => one.status === 'rejected');
  if (failure) throw failure.reason;
}

const ours = (
  now: EngineState | undefined,
  before: EngineState | undefined,
): now is EngineState & { process: ProcessMark } =>
  now?.process !== undefined && now.process.startedAt !== before?.process?.startedAt;

/** One start or stop of a home at a time. */
const locked = <T>(
  home: string,
  { say, signal }: { say: (line: string) => void; signal?: AbortSignal },
  work: () => Promise<T>,
): Promise<T> =>
  withLock(
    join(home, 'engines.lock'),
    {
      withinMs: LOCK_MS,
      signal,
      onWait: (pid) => say(`waiting for process ${pid}, which starts or stops the engines`),
    },
    work,
  );

/** Writes what changed, one writing after the other. */
function recorder(home: string, before: EnginesState): (change: EnginesState) => Promise<void> {
  let state = before;
  let last = Promise.resolve();
  return (change) => {
    state = { ...state, ...change };
    const whole = state;
    last = last.then(() => writeEngines(home, whole));
    return last;
  };
}

function stateOf(engine: RunningPostgres | RunningTemporal): EngineState {
  const { port, process } = engine;
  return 'uiPort' in engine && engine.uiPort !== undefined
    ? { port, process, uiPort: engine.uiPort }
    : { port, process };
}
