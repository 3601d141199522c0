import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import type { Dataset } from '../rules/dataset.ts';
import { ConfigurationError, WarehouseUnavailable } from '../rules/errors.ts';
import { bootstrap, checkServerVersion, isBootstrapped, type LoaderPassword } from './bootstrap.ts';
import { connectionRefused } from './connection-refused.ts';
import { guardAgainstDdl, LOCK_PATIENCE, putMissingGuards } from './guards.ts';
import { ownFolder, readSqlFiles, type SqlFile } from './sql-files.ts';
import { writePolicies } from './policy.ts';
import { isLockTimeout, warehouseError } from './failure.ts';
import { lockHolders } from './lock-holders.ts';

export interface MigrateOptions {
  /** Of a superuser (with `bootstrap`) or of `nighttrain_migrator`. */
  readonly adminUrl: string;
  /** The project's own migrations: the tables of its datasets. */
  readonly projectFolder: string;
  readonly datasets: readonly Dataset[];
  /** Create roles and schemas first; undefined where somebody did. */
  readonly bootstrap: LoaderPassword | undefined;
}

/**
 * Brings a database up to date: Night Train's own migrations, then the project's, then the policies that the
 * ledger judges by and the guards of every table (R15). Answers the names of the migrations that were new.
 */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  const own = await readSqlFiles(ownFolder('migrations'));
  const project = await readSqlFiles(options.projectFolder);
  const admin = new DataSource({
    type: 'postgres',
    url: options.adminUrl,
    applicationName: 'nighttrain migrate',
    poolSize: 3,
    connectTimeoutMS: 10_000,
    schema: 'nighttrain',
    migrationsTableName: 'migration',
    migrationsTransactionMode: 'each',
    migrations: [
      ...own.map((file) => migrationOf(file)),
      ...project.map((file) => migrationOf(file, 'nighttrain_publisher')),
    ],
  });
  await admin.initialize().catch((error: unknown) => {
    throw connectionRefused(error, options.adminUrl);
  });
  try {
    await checkServerVersion(admin);
    if (options.bootstrap) await bootstrap(admin, options.bootstrap);
    else if (!(await isBootstrapped(admin))) {
      throw new ConfigurationError('This database was never prepared for Night Train', {
        hint: 'Run `npx nighttrain migrate --bootstrap` as a superuser, once.',
      });
    }
    return await oneAtATime(admin, async () => {
      const applied = await admin.runMigrations();
      // Whoever migrates next may be another login, and the loader is asked what is missing.
      await admin.query('alter table nighttrain.migration owner to nighttrain_owner');
      await admin.query('grant select on nighttrain.migration to nighttrain_loader');
      await writePolicies(admin, options.datasets);
      await putMissingGuards(admin);
      if (options.bootstrap) await guardAgainstDdl(admin);
      return applied.map(({ name }) => name);
    });
  } catch (error) {
    if (isLockTimeout(error)) throw await namingHolders(admin, error);
    throw warehouseError(error, 'The migration failed');
  } finally {
    await admin.destroy();
  }
}

/** What waits for a lock has every night queue behind it: it gives up, and says for whom it waited (R14). */
async function namingHolders(admin: DataSource, cause: unknown): Promise<WarehouseUnavailable> {
  const holders = await lockHolders(admin, 'everybody');
  return new WarehouseUnavailable(
    'The migration waited for too long for the lock of a table that is in use',
    {
      detail: holders.length > 0 ? holders.join('\n') : 'whoever held it has let go meanwhile',
      hint: 'Run it again: npx nighttrain migrate. A session that sits in an open transaction: select pg_terminate_backend(pid)',
      cause,
    },
  );
}

/** Migrations that a database lacks, in the order in which they would be applied. */
export async function pendingMigrations(warehouse: DataSource, projectFolder: string): Promise<string[]> {
  const files = [...(await readSqlFiles(ownFolder('migrations'))), ...(await readSqlFiles(projectFolder))];
  const applied = await warehouse.query<{ name: string }[]>('select name from nighttrain.migration');
  const names = new Set(applied.map(({ name }) => name));
  return files.map(({ name }) => name).filter((name) => !names.has(appliedName(name) ?? name));
}

/** Two deployments that migrate at once do it one after the other. */
async function oneAtATime<T>(admin: DataSource, work: () => Promise<T>): Promise<T> {
  const lock = admin.createQueryRunner();
  try {
    await lock.query(`select pg_advisory_lock(hashtext('nighttrain migrate'))`);
    return await work();
  } finally {
    await lock.query(`select pg_advisory_unlock(hashtext('nighttrain migrate'))`);
    await lock.release();
  }
}

/** As TypeORM records a file: it orders migrations by the thirteen digits that end their names. */
function appliedName(file: string): string | undefined {
  const [, digits, what] = /^(\d{13})-(.+)$/.exec(file) ?? [];
  return digits === undefined ? undefined : `${what}${digits}`;
}

/** TypeORM wants classes. */
function migrationOf({ name, sql }: SqlFile, role?: string): new () => MigrationInterface {
  const className = appliedName(name) ?? '';
  if (!className) {
    throw new ConfigurationError(`Migration ${name}.sql is not named <13 digits>-<what>.sql`, {
      hint: 'The digits are milliseconds since 1970, as `nighttrain dataset new` writes them.',
    });
  }
  return class implements MigrationInterface {
    readonly name: string = className;
    async up(runner: QueryRunner): Promise<void> {
      await runner.query(LOCK_PATIENCE);
      // Guards let migrations pass, and record it (R15).
      await runner.query(`select set_config('nighttrain.break_glass', $1, true)`, [`migration ${className}`]);
      if (role !== undefined) await runner.query(`set local role ${role}`);
      await runner.query(sql);
      await runner.query('reset role');
    }
    down(): Promise<void> {
      return Promise.reject(new Error(`${className} cannot be taken back: write another migration`));
    }
  };
}
