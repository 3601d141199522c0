import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ConfigurationError } from '../rules/errors.ts';
import { codeOf, type ProcessUser } from './processes.ts';

const run = promisify(execFile);

/**
 * Whom PostgreSQL runs as: it refuses to be root. Undefined means as ourselves. The owner of data that is there
 * already stays its owner.
 */
export async function serverUser(dataOwner?: number): Promise<ProcessUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of [...(dataOwner ? [String(dataOwner)] : []), 'postgres', 'nobody']) {
    const uid = await idOf('-u', name);
    const gid = await idOf('-g', name);
    if (uid !== undefined && gid !== undefined) return { name, uid, gid };
  }
  throw new ConfigurationError('PostgreSQL cannot run as root, and this machine has no other user for it', {
    hint: 'Make one (useradd --system postgres), start Night Train as another user, or set NIGHTTRAIN_DATABASE_URL.',
  });
}

/** Whether that user can enter the folder: asked of the system, for modes do not tell of access lists and mounts. */
export async function canEnter(user: ProcessUser | undefined, folder: string): Promise<boolean> {
  if (user === undefined) return true;
  const child = spawn('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], {
    cwd: '/',
    stdio: 'ignore',
    uid: user.uid,
    gid: user.gid,
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0;
}

/** The outermost folder on the way that the user cannot enter. */
export async function closedFolder(user: ProcessUser, folder: string): Promise<string> {
  const parent = dirname(resolve(folder));
  if (parent === folder || (await canEnter(user, parent))) return folder;
  return closedFolder(user, parent);
}

export async function ownerOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).uid;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function idOf(flag: '-u' | '-g', name: string): Promise<number | undefined> {
  try {
    return Number((await run('id', [flag, name])).stdout);
  } catch (error) {
    if (typeof (error as { code?: unknown }).code === 'number') return undefined; // no such user
    throw error;
  }
}
