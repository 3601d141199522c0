import { access, constants, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readHome } from '../../local/home.ts';
import type { Dataset } from '../../rules/dataset.ts';
import type { Config } from '../../worker/config.ts';
import { fail, ok, warn, type Finding } from './finding.ts';

/** Older ones lack what our libraries need (§7). */
const OLDEST_NODE = [20, 19] as const;

const GIB = 1024 ** 3;
/** A night that finds no room fails; below the first somebody should look, below the second it is about to. */
const LOW_DISK_BYTES = 5 * GIB;
const NO_DISK_BYTES = GIB / 2;

export function checkNode(version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  return isOld
    ? fail('Node.js', version, `Install Node.js ${OLDEST_NODE.join('.')} or newer.`)
    : ok('Node.js', version);
}

/** @throws ConfigurationError where the home is of another version or closed to us */
export async function checkHome({ home }: Config): Promise<Finding> {
  const known = await readHome(home);
  const mend = 'Give this user the right to write there, or set NIGHTTRAIN_HOME to another folder.';
  try {
    await access(await nearestFolder(home), constants.W_OK | constants.X_OK);
  } catch {
    return fail('home', `${home} is not writable`, mend);
  }
  return ok(
    'home',
    known ? `${home}, version ${known.version}` : `${home} (not there yet: the first start makes it)`,
  );
}

export async function checkDisk({ home }: Config): Promise<Finding> {
  const { bavail, bsize } = await statfs(await nearestFolder(home));
  const free = bavail * bsize;
  const found = `${(free / GIB).toFixed(1)} GiB free at ${home}`;
  const mend = 'Make room, or move the home to a larger disk: NIGHTTRAIN_HOME.';
  if (free < NO_DISK_BYTES) return fail('disk', found, mend);
  return free < LOW_DISK_BYTES ? warn('disk', found, mend) : ok('disk', found);
}

export async function checkInbox({ inbox }: Config, datasets: readonly Dataset[]): Promise<Finding> {
  const readers = datasets.filter(({ source }) => source.kind === 'csv').map(({ name }) => name);
  if (readers.length === 0) return ok('inbox', 'no dataset reads files');
  try {
    await access(inbox, constants.R_OK | constants.X_OK);
  } catch {
    const mend = `Make it, or set NIGHTTRAIN_INBOX: ${readers.join(', ')} read <inbox>/<dataset>/<date>.csv there.`;
    return warn('inbox', `${inbox} is not there or not readable`, mend);
  }
  return ok('inbox', inbox);
}

/** The variables that sources read; a dataset without them fails its nights, and only those. */
export function checkSources({ env }: Config, datasets: readonly Dataset[]): Finding {
  const missing = new Map<string, string[]>();
  for (const { name, source } of datasets) {
    if (source.kind !== 'rest') continue;
    for (const variable of [source.baseUrlFrom, source.tokenFrom]) {
      if (variable === undefined || env(variable) !== undefined) continue;
      missing.set(variable, [...(missing.get(variable) ?? []), name]);
    }
  }
  if (missing.size === 0) return ok('sources', 'every variable that a source reads is set');
  const found = [...missing].map(
    ([variable, names]) => `${variable} is not set: ${names.join(', ')} read it`,
  );
  return warn('sources', found.join('\n'), 'Set them where the worker runs (`up --demo` sets its own).');
}

/** The folder itself, or the first above it that is there. */
async function nearestFolder(folder: string): Promise<string> {
  try {
    await access(folder);
    return folder;
  } catch {
    const above = dirname(folder);
    return above === folder ? folder : nearestFolder(above);
  }
}
