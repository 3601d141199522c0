import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ConfigurationError, EngineFailed } from '../rules/errors.ts';
import { writeWhole } from './home.ts';
import type { PostgresFolder } from './postgres-folder.ts';
import { readIfThere } from './processes.ts';

const run = promisify(execFile);

const MAJOR = '18';
const INITIALISE_MS = 120_000;

/** The superuser's password, readable by the home's owner alone. */
export const passwordFile = (home: string): string => join(home, 'postgres-password');

/** The superuser's password, made up for a new home. */
export async function passwordOf(home: string, data: string): Promise<string> {
  const known = (await readIfThere(passwordFile(home)))?.trim();
  if (known) return known;
  if ((await readIfThere(join(data, 'PG_VERSION'))) !== undefined) {
    throw new ConfigurationError(`The home ${home} has a database, but its password is gone`, {
      detail: passwordFile(home),
      hint: 'Put the file back from a backup, or set NIGHTTRAIN_HOME to another folder.',
    });
  }
  const password = randomBytes(24).toString('base64url');
  await writeWhole(passwordFile(home), `${password}\n`, 0o600);
  return password;
}

/** Makes the data folder: under another name first, so that one cut short is never taken for a whole one. */
export async function initialise(
  start: { env: NodeJS.ProcessEnv; say: (line: string) => void },
  { folder, user }: PostgresFolder,
  binaries: string,
  password: string,
): Promise<void> {
  const found = (await readIfThere(join(folder, 'data', 'PG_VERSION')))?.trim();
  if (found === MAJOR) return;
  if (found !== undefined) {
    throw new ConfigurationError(
      `The data in ${folder} is PostgreSQL ${found}'s, this is PostgreSQL ${MAJOR}`,
      {
        hint: 'Dump it with the version that made it and load it here, or set NIGHTTRAIN_HOME to another folder.',
      },
    );
  }
  for (const name of await readdir(folder)) {
    if (name.startsWith('new-')) await rm(join(folder, name), { recursive: true });
  }
  start.say('making a new PostgreSQL database');
  const draft = join(folder, `new-${randomBytes(4).toString('hex')}`);
  const secret = `${draft}.password`;
  await writeFile(secret, password, { mode: 0o600 });
  if (user) await chown(secret, user.uid, user.gid);
  try {
    const options = ['--username=postgres', `--pwfile=${secret}`, '--auth=scram-sha-256', '--encoding=UTF8'];
    // the same order and letter case on every machine, whatever its C library
    const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
    await run(join(binaries, 'bin', 'initdb'), [`--pgdata=${draft}`, ...options, ...locale], {
      cwd: folder,
      env: serverVariables(start.env),
      timeout: INITIALISE_MS,
      ...(user && { uid: user.uid, gid: user.gid }),
    });
    await rename(draft, join(folder, 'data'));
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw new EngineFailed('PostgreSQL could not make its database', {
      detail: outputOf(error),
      hint: 'Look at the reason above (is the disk full?), or set NIGHTTRAIN_DATABASE_URL to a PostgreSQL of yours.',
      cause: error,
    });
  } finally {
    await rm(secret, { force: true });
  }
}

/** What the server may know of our environment: no secrets (R17). */
export const serverVariables = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  PATH: env['PATH'],
  SystemRoot: env['SystemRoot'],
  LC_ALL: 'C',
});

function outputOf(error: unknown): string {
  const { stderr, stdout, message } = error as { stderr?: string; stdout?: string; message?: string };
  return (stderr || stdout || message || String(error)).trim().split('\n').slice(-15).join('\n');
}
