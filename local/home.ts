import { randomBytes } from 'node:crypto';
import { access, constants, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError } from '../rules/errors.ts';
import { makeFolder } from './make-folder.ts';
import { codeOf, readIfThere, type ProcessMark } from './processes.ts';

/** The layout of a home. A number that grows whenever an older version could no longer read it. */
export const HOME_VERSION = 1;

/** `home.json`: what a home is, for good. */
export interface Home {
  readonly version: number;
  /** Where PostgreSQL keeps its data when it cannot be inside the home. */
  readonly postgresFolder?: string;
}

/** One engine in `engines.json`. Ports outlive the process: they are tried again at the next start. */
export interface EngineState {
  readonly port: number;
  readonly uiPort?: number;
  readonly process?: ProcessMark;
}

/** `engines.json`: the engines as last seen. Losing it loses nothing but port numbers. */
export interface EnginesState {
  readonly postgres?: EngineState;
  readonly temporal?: EngineState;
}

/** Makes the home if need be. ConfigurationError: not writable, or of another version. */
export async function openHome(home: string): Promise<Home> {
  try {
    await makeFolder(home);
    await access(home, constants.R_OK | constants.W_OK | constants.X_OK);
    const known = await readHome(home);
    if (known) return known;
    await writeHome(home, { version: HOME_VERSION });
  } catch (error) {
    throw closedHome(home, error);
  }
  return { version: HOME_VERSION };
}

/** The home as it is, without making one. ConfigurationError: closed to us, or of another version. */
export async function readHome(home: string): Promise<Home | undefined> {
  const file = join(home, 'home.json');
  const text = await readIfThere(file).catch((error: unknown) => {
    throw closedHome(home, error);
  });
  if (text === undefined) return undefined;
  const found = parse(text) as Partial<Home> | undefined;
  if (found?.version === HOME_VERSION) return { ...found, version: HOME_VERSION };
  const version = found?.version === undefined ? 'that cannot be read' : `of version ${found.version}`;
  throw new ConfigurationError(
    `The home ${home} is one ${version}; this program writes version ${HOME_VERSION}`,
    {
      detail: file,
      hint: 'Use the program that made it, or set NIGHTTRAIN_HOME to another folder.',
    },
  );
}

export async function writeHome(home: string, contents: Home): Promise<void> {
  await writeWhole(join(home, 'home.json'), `${JSON.stringify(contents)}\n`);
}

/** What is known of the engines; a file that cannot be read counts as none. */
export async function readEngines(home: string): Promise<EnginesState> {
  const text = await readIfThere(join(home, 'engines.json'));
  return (text === undefined ? undefined : (parse(text) as EnginesState | undefined)) ?? {};
}

export async function writeEngines(home: string, state: EnginesState): Promise<void> {
  await writeWhole(join(home, 'engines.json'), `${JSON.stringify(state, undefined, 2)}\n`);
}

/** Removes a home whose engines are stopped, with what PostgreSQL had to keep outside of it. */
export async function removeHome(home: string): Promise<void> {
  const known = await readHome(home);
  for (const folder of [known?.postgresFolder, home]) {
    // retried: PostgreSQL's logger outlives the server by a moment
    if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Writes a file so that a reader, or a crash, finds the old one or the new one. */
export async function writeWhole(file: string, text: string, mode = 0o644): Promise<void> {
  const draft = `${file}.${randomBytes(4).toString('hex')}.new`;
  try {
    await writeFile(draft, text, { mode, flush: true });
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined; // cut short by a crash of an earlier version, or by hand: the callers say what it means
  }
}

function closedHome(home: string, error: unknown): unknown {
  if (codeOf(error) === undefined) return error;
  return new ConfigurationError(`The home ${home} is not open to this user for reading and writing`, {
    detail: (error as Error).message,
    hint: 'Give this user the right to read and write there, or set NIGHTTRAIN_HOME to another folder.',
    cause: error,
  });
}
