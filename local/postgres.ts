import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { ConfigurationError, EngineFailed } from '../rules/errors.ts';
import type { EngineState } from './home.ts';
import { tailOfLogs } from './log-tail.ts';
import { freePorts, LOOPBACK } from './ports.ts';
import { initialise, passwordFile, passwordOf, serverVariables } from './postgres-database.ts';
import { knownPostgresFolder, openPostgresFolder, type PostgresFolder } from './postgres-folder.ts';
import { postgresBinaries } from './postgres-binaries.ts';
import { postgresArguments } from './postgres-settings.ts';
import {
  codeOf,
  commandOf,
  hasEnded,
  isRunning,
  launch,
  markOf,
  readIfThere,
  signalTo,
} from './processes.ts';
import type { Launched, ProcessMark } from './processes.ts';
import { waitFor } from './wait.ts';

const run = promisify(execFile);

const READY_MS = 180_000; // recovery of a full max_wal_size takes a laptop about a minute
const PATIENCE_MS = 3_000;
const STOP_MS = 30_000;

/** A PostgreSQL that runs under a home. */
export interface RunningPostgres {
  readonly port: number;
  readonly process: ProcessMark;
  /** Of the superuser. */
  readonly url: string;
}

export interface PostgresStart {
  readonly home: string;
  /** As last seen. */
  readonly known: EngineState | undefined;
  /** More settings, over ours. */
  readonly settings: Readonly<Record<string, string>>;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
  /** Told as soon as a server process exists, so that it is found again whatever happens next. */
  readonly record: (state: EngineState) => Promise<void>;
}

/**
 * Starts the PostgreSQL of a home, or adopts the one that runs. Call it under the home's lock. Throws
 * ConfigurationError (what a person must change) or EngineFailed (with the end of the server's log).
 */
export async function startPostgres(start: PostgresStart): Promise<RunningPostgres> {
  const place = await openPostgresFolder(start.home, start.say);
  const data = join(place.folder, 'data');
  const password = await passwordOf(start.home, data);
  const living = await livingPostgres(place.folder, start.known);
  if (living?.process)
    return untilReady(start, place, { port: living.port, process: living.process, password });

  const binaries = await postgresBinaries(place.user);
  await initialise(start, place, binaries, password);
  return launchPostgres(start, place, binaries, password);
}

/** The PostgreSQL that runs under this home and answers, if any. */
export async function findPostgres(
  home: string,
  known: EngineState | undefined,
): Promise<RunningPostgres | undefined> {
  const living = await livingPostgres(await knownPostgresFolder(home), known);
  const password = (await readIfThere(passwordFile(home)))?.trim();
  if (!living?.process || password === undefined) return undefined;
  const found = { port: living.port, process: living.process, url: urlOf(living.port, password) };
  return (await answers(found.url)) ? found : undefined;
}

/** Stops a PostgreSQL: sessions are rolled back and ended, everything committed is on disk. */
export async function stopPostgres(home: string, server: ProcessMark, env: NodeJS.ProcessEnv): Promise<void> {
  if (process.platform === 'win32') {
    const control = join(await postgresBinaries(undefined), 'bin', 'pg_ctl');
    const data = join(await knownPostgresFolder(home), 'data');
    await run(control, ['stop', '-D', data, '-m', 'fast', '-t', '30'], {
      env: serverVariables(env),
      timeout: STOP_MS,
    });
  }
  await signalTo(server, 'SIGINT'); // postgres(1): fast shutdown
  await signalTo(server, 'SIGCONT'); // it may have been frozen
  if (await hasEnded(server, STOP_MS)) return;
  await signalTo(server, 'SIGQUIT'); // immediate shutdown; the next start recovers from the log
  if (await hasEnded(server, STOP_MS)) return;
  throw new EngineFailed(`PostgreSQL (process ${server.pid}) does not stop`, {
    detail: await tailOfLogs(join(await knownPostgresFolder(home), 'log')),
    hint: `Look at what holds it, then end it: kill -9 ${server.pid}. The next start recovers its data.`,
  });
}

/** The server process of this data folder: by our own record, else by PostgreSQL's. */
async function livingPostgres(
  folder: string,
  known: EngineState | undefined,
): Promise<EngineState | undefined> {
  if (known?.process && (await isRunning(known.process))) return known;
  const data = join(folder, 'data');
  const [pid, , , port] = ((await lockFile(data)) ?? '').split('\n').map(Number);
  if (!pid || !port || !(await commandOf(pid))?.includes(data)) return undefined;
  const mark = await markOf(pid);
  return mark && { port, process: mark };
}

async function lockFile(data: string): Promise<string | undefined> {
  try {
    return await readIfThere(join(data, 'postmaster.pid'));
  } catch (error) {
    if (codeOf(error) === 'EACCES') return undefined; // another user's home: nothing of ours runs there
    throw error;
  }
}

/** Launches until it is up: a port may be taken in between, and the rest of a killed server takes a moment to go. */
async function launchPostgres(
  start: PostgresStart,
  place: PostgresFolder,
  binaries: string,
  password: string,
): Promise<RunningPostgres> {
  const log = join(place.folder, 'log', 'start.log');
  await forgetReusedPid(join(place.folder, 'data'));
  let wanted = start.known?.port;
  const started = await waitFor(
    async () => {
      const [port = 0] = await freePorts([wanted]);
      await writeFile(log, ''); // what an earlier start complained of is no reason any more
      const args = postgresArguments(join(place.folder, 'data'), port, start.settings);
      const launched = await launch(join(binaries, 'bin', 'postgres'), args, {
        cwd: place.folder,
        env: serverVariables(start.env),
        log,
        user: place.user,
      });
      await start.record({ port, process: launched.mark });
      try {
        return await untilReady(start, place, { port, process: launched.mark, password }, launched);
      } catch (error) {
        if (!(error instanceof EngineFailed) || !/could not bind|still in use/.test(error.detail ?? ''))
          throw error;
        if (error.detail?.includes('could not bind')) wanted = undefined;
        return undefined;
      }
    },
    { withinMs: STOP_MS, everyMs: 200 },
  );
  if (started) return started;
  throw await failed('PostgreSQL does not start', place.folder);
}

/**
 * After a crash the pid in PostgreSQL's lock file may be some other process's by now, which PostgreSQL takes for
 * a running server. It knows that its parent is none: so we write our own pid there, and leave its shared memory
 * key, by which it notices survivors of the crash, as it is.
 */
async function forgetReusedPid(data: string): Promise<void> {
  const [pid, ...rest] = ((await lockFile(data)) ?? '').split('\n');
  if (!pid || !(await markOf(Number(pid)))) return;
  await writeFile(join(data, 'postmaster.pid'), [process.pid, ...rest].join('\n'));
}

async function untilReady(
  start: PostgresStart,
  place: PostgresFolder,
  server: { port: number; process: ProcessMark; password: string },
  launched?: Launched,
): Promise<RunningPostgres> {
  let ending: string | undefined;
  void launched?.ended.then((how) => (ending = how));
  const url = urlOf(server.port, server.password);
  const began = performance.now();
  let told = false;
  const answer = await waitFor(
    async () => {
      if (ending !== undefined || !(await isRunning(server.process))) return 'ended';
      if (await answers(url)) return 'ready';
      if (!told && performance.now() - began > PATIENCE_MS) {
        start.say('PostgreSQL is still starting: after a crash it first recovers what was committed');
        told = true;
      }
      return undefined;
    },
    { withinMs: READY_MS, everyMs: 20 },
  );
  if (answer === 'ready') return { port: server.port, process: server.process, url };
  if (answer === 'ended')
    throw await failed(`PostgreSQL ended while it started (${ending ?? 'killed'})`, place.folder);
  throw await failed(
    `PostgreSQL does not answer on port ${server.port} after ${READY_MS / 1000} s`,
    place.folder,
  );
}

const failed = async (what: string, folder: string): Promise<EngineFailed> =>
  new EngineFailed(what, {
    detail: await tailOfLogs(join(folder, 'log')),
    hint: 'Look at the log above (is the disk full?), or set NIGHTTRAIN_DATABASE_URL to a PostgreSQL of yours.',
  });

/** Whether the server takes connections by now. */
async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000,
  });
  client.on('error', () => {}); // also told to the call that waits, below
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch (error) {
    if (codeOf(error) === '28P01') {
      throw new ConfigurationError('PostgreSQL does not take the password of this home', {
        hint: 'Put the file postgres-password back, or set NIGHTTRAIN_HOME to another folder.',
        cause: error,
      });
    }
    return false; // not yet: whether it ever will is the caller's question, with its deadline
  } finally {
    await client.end();
  }
}

const urlOf = (port: number, password: string): string =>
  `postgresql://postgres:${password}@${LOOPBACK}:${port}/postgres`;
