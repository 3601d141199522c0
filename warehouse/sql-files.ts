import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A folder beside this module. */
export function ownFolder(name: string): string {
  return fileURLToPath(new URL(`./${name}/`, import.meta.url));
}

/** A .sql file: its name without the ending, and its text. */
export interface SqlFile {
  readonly name: string;
  readonly sql: string;
}

/** The .sql files of a folder by name; none where there is no such folder. */
export async function readSqlFiles(folder: string): Promise<SqlFile[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  const sqlNames = names.filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    sqlNames.map(async (name) => ({
      name: name.slice(0, -'.sql'.length),
      sql: await readFile(join(folder, name), 'utf8'),
    })),
  );
}
