import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { ConfigurationError } from '../rules/errors.ts';
import { openHome, readHome, writeHome } from './home.ts';
import type { ProcessUser } from './processes.ts';
import { canEnter, closedFolder, ownerOf, serverUser } from './server-user.ts';

/** Where root keeps PostgreSQL's data when the home is in a folder that PostgreSQL's user cannot enter. */
const SHARED_STATE = '/var/lib/nighttrain';

export interface PostgresFolder {
  /** Holds data/ and log/; belongs to the user. */
  readonly folder: string;
  /** Whom PostgreSQL runs as; undefined: as ourselves. */
  readonly user: ProcessUser | undefined;
}

/** The folder PostgreSQL has in this home, without making one. */
export async function knownPostgresFolder(home: string): Promise<string> {
  return (await readHome(home))?.postgresFolder ?? join(home, 'postgres');
}

/** Makes PostgreSQL's folder where its user can enter it: in the home if that can be. */
export async function openPostgresFolder(home: string, say: (line: string) => void): Promise<PostgresFolder> {
  const known = await knownPostgresFolder(home);
  const owner = await ownerOf(join(known, 'data'));
  const user = await serverUser(owner);
  if (user === undefined) {
    await mkdir(join(known, 'log'), { recursive: true, mode: 0o700 });
    refuseForeign(known, owner);
    return { folder: known, user };
  }
  const inHome = known === join(home, 'postgres');
  const folder =
    !inHome || owner !== undefined || (await canEnter(user, home)) ? known : await outside(home, user);
  await mkdir(join(folder, 'log'), { recursive: true });
  for (const path of [folder, join(folder, 'log')]) {
    await chown(path, user.uid, user.gid);
    await chmod(path, 0o700);
  }
  if (!(await canEnter(user, folder))) throw closed(user, await closedFolder(user, folder));
  if (folder !== known) {
    await writeHome(home, { ...(await openHome(home)), postgresFolder: folder });
    say(`PostgreSQL runs as ${user.name}, who cannot enter ${home}: its data is in ${folder}`);
  }
  return { folder, user };
}

/** A new folder outside of the home: among the temporary ones for a temporary home, else for good. */
async function outside(home: string, user: ProcessUser): Promise<string> {
  const temporary = await realpath(tmpdir());
  if ((await realpath(home)).startsWith(temporary + sep) && (await canEnter(user, temporary))) {
    return mkdtemp(join(temporary, 'nighttrain-postgres-'));
  }
  const folder = join(SHARED_STATE, randomBytes(6).toString('hex'));
  try {
    await mkdir(folder, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw closed(user, await closedFolder(user, home), error);
  }
  return folder;
}

const closed = (user: ProcessUser, folder: string, cause?: unknown): ConfigurationError =>
  new ConfigurationError(`PostgreSQL runs as ${user.name}, who cannot enter ${folder}`, {
    ...(cause instanceof Error && { detail: cause.message, cause }),
    hint: `Open it (chmod o+x ${folder}), or set NIGHTTRAIN_HOME to a folder that ${user.name} can enter.`,
  });

function refuseForeign(folder: string, owner: number | undefined): void {
  const uid = process.getuid?.();
  if (owner === undefined || uid === undefined || owner === uid) return;
  throw new ConfigurationError(`The PostgreSQL data in ${folder} belongs to another user (uid ${owner})`, {
    hint: 'Start Night Train as the user who made this home, or set NIGHTTRAIN_HOME to another folder.',
  });
}
