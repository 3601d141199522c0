import type { DataSource } from 'typeorm';
import { ConfigurationError } from '../rules/errors.ts';
import { ownFolder, readSqlFiles } from './sql-files.ts';
import { LOADER_ROLE } from './data-source.ts';

/** The oldest PostgreSQL that Night Train was tried on: `server_version_num`. */
const OLDEST_SERVER = 150_000;

/** @throws ConfigurationError where the server is older than PostgreSQL 15 */
export async function checkServerVersion(source: DataSource): Promise<void> {
  const [row] = await source.query<{ number: number; text: string }[]>(
    `select current_setting('server_version_num')::int as number, current_setting('server_version') as text`,
  );
  if (row && row.number < OLDEST_SERVER) {
    throw new ConfigurationError(`PostgreSQL ${row.text} is too old`, {
      hint: 'Night Train needs PostgreSQL 15 or newer.',
    });
  }
}

/** Whether this database already has our schemas. */
export async function isBootstrapped(source: DataSource): Promise<boolean> {
  const [row] = await source.query<{ ready: boolean }[]>(
    `select to_regrole('nighttrain_loader') is not null and to_regnamespace('nighttrain') is not null as ready`,
  );
  return row?.ready ?? false;
}

/** @throws ConfigurationError where a worker would find no ledger */
export async function checkPrepared(source: DataSource): Promise<void> {
  if (!(await isBootstrapped(source))) {
    throw new ConfigurationError('This database was never prepared for Night Train', {
      hint: 'Run `npx nighttrain migrate --bootstrap` as a superuser, once.',
    });
  }
  const [row] = await source.query<{ ready: boolean }[]>(
    `select to_regclass('nighttrain.dataset_policy') is not null as ready`,
  );
  if (row?.ready !== true)
    throw new ConfigurationError('The warehouse has no ledger yet', {
      hint: 'Run `npx nighttrain migrate`.',
    });
}

/** The loader's password, and whether a loader that is there already gets it too. */
export interface LoaderPassword {
  readonly password: string;
  readonly replace: boolean;
}

/**
 * Creates the roles of the cluster and the schemas of this database; running it again changes nothing.
 * Roles are shared by all databases of a server: another installation's loader keeps its password unless told otherwise.
 * @param admin connected as a superuser, or as a role that may create roles and schemas
 */
export async function bootstrap(admin: DataSource, { password, replace }: LoaderPassword): Promise<void> {
  await admin.transaction(async (tx) => {
    // Two databases bootstrapped at once must not race for the roles.
    await tx.query(`select pg_advisory_xact_lock(hashtext('nighttrain bootstrap'))`);
    const [before] = await tx.query<{ exists: boolean }[]>(
      `select to_regrole('${LOADER_ROLE}') is not null as exists`,
    );
    for (const { sql } of await readSqlFiles(ownFolder('bootstrap'))) await tx.query(sql);
    await tx.query(`grant create on database ${await quotedDatabase(tx)} to nighttrain_migrator`);
    if (replace || before?.exists !== true) await setPassword(tx, password);
  });
}

type Queryable = Pick<DataSource, 'query'>;

async function quotedDatabase(tx: Queryable): Promise<string> {
  const [row] = await tx.query<{ name: string }[]>(`select quote_ident(current_database()) as name`);
  return row?.name ?? '';
}

async function setPassword(tx: Queryable, password: string): Promise<void> {
  // ALTER ROLE takes no parameters: the server itself quotes the value.
  const [row] = await tx.query<{ statement: string }[]>(
    `select format('alter role ${LOADER_ROLE} login password %L', $1::text) as statement`,
    [password],
  );
  await tx.query(row?.statement ?? '');
}
