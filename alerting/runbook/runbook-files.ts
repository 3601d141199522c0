import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../../rules/errors.ts';

/** A runbook's file, not yet read. */
export interface RunbookFile {
  readonly name: string;
  readonly path: string;
  /** The project's own, or the one that comes with Night Train. */
  readonly from: 'project' | 'shipped';
}

const SHIPPED = fileURLToPath(new URL('../../runbooks/', import.meta.url));

/** Every runbook by name: those that come with Night Train, and the project's own, which win. */
export async function findRunbooks(projectRoot: string): Promise<ReadonlyMap<string, RunbookFile>> {
  const own = join(projectRoot, 'runbooks');
  const shipped = await filesIn(SHIPPED, 'shipped');
  const project = resolve(own) === resolve(SHIPPED) ? [] : await filesIn(own, 'project');
  const byName = new Map([...shipped, ...project].map((file) => [file.name, file]));
  return new Map([...byName].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The text of a runbook. @throws UsageError naming those that there are */
export async function readRunbook(files: ReadonlyMap<string, RunbookFile>, name: string): Promise<string> {
  const file = files.get(name);
  if (file) return readFile(file.path, 'utf8');
  const known = [...files.keys()].join(', ') || 'none';
  throw new UsageError(`There is no runbook '${name}'`, { hint: `Known are: ${known}` });
}

async function filesIn(folder: string, from: RunbookFile['from']): Promise<RunbookFile[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  return names
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .map((name) => ({ name: name.slice(0, -'.md'.length), path: join(folder, name), from }));
}
