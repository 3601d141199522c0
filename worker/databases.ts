import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LOADER_ROLE } from '../warehouse/data-source.ts';
import type { Config } from './config.ts';

/** The two logins of an installation. */
export interface Databases {
  /** For migrations: a superuser or `nighttrain_migrator`; undefined where only the loader's login is known. */
  readonly adminUrl: string | undefined;
  /** For everything else. */
  readonly loaderUrl: string;
  readonly loaderPassword: string;
  /** The password was chosen by a person or belongs to an embedded server: `migrate` may set it again. */
  readonly setsPassword: boolean;
}

/**
 * From the URL that somebody gave us, or from the embedded server's, to the two logins. A URL of the loader itself is
 * used as it is; any other is the administrator's, and the loader logs in beside it with NIGHTTRAIN_LOADER_PASSWORD
 * or a password that is made once and kept in the home, readable by its owner alone (R17).
 */
export async function databasesOf(config: Config, embeddedUrl: string | undefined): Promise<Databases> {
  const url = new URL(config.databaseUrl ?? embeddedUrl ?? '');
  if (url.username === LOADER_ROLE) {
    const loaderPassword = config.loaderPassword ?? decodeURIComponent(url.password);
    const setsPassword = config.loaderPassword !== undefined;
    return { adminUrl: config.adminDatabaseUrl, loaderUrl: url.href, loaderPassword, setsPassword };
  }
  const loaderPassword = config.loaderPassword ?? (await keptPassword(config.home));
  const loader = new URL(url);
  loader.username = LOADER_ROLE;
  loader.password = encodeURIComponent(loaderPassword);
  const setsPassword = config.loaderPassword !== undefined || config.databaseUrl === undefined;
  return {
    adminUrl: config.adminDatabaseUrl ?? url.href,
    loaderUrl: loader.href,
    loaderPassword,
    setsPassword,
  };
}

async function keptPassword(home: string): Promise<string> {
  const file = join(home, 'loader-password');
  await mkdir(home, { recursive: true });
  const made = randomBytes(24).toString('base64url');
  // Whoever comes first writes it; `wx` makes that one process.
  await writeFile(file, made, { mode: 0o600, flag: 'wx' }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  });
  return (await readFile(file, 'utf8')).trim();
}
