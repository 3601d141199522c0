import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { createTableSql, tableOf } from '../../rules/table.ts';
import { migrate } from '../../warehouse/migrate.ts';
import { TEST_DATASETS } from './datasets.ts';

/** The database that every house's own is cloned from. */
export const TEMPLATE = 'house_template';
/** Of the loader and of the reader, on a server that nobody else reaches. */
export const PASSWORD = 'test-of-the-house';

/** The first migration of a project, as its name counts time. */
const FIRST_MIGRATION = 1_795_000_000_000;

/**
 * Makes roles and template once, before any test: roles belong to the whole server, and houses that made them side by
 * side would fail each other (§7).
 * @param folder of the test run, for the migrations that the test datasets need
 */
export async function makeTemplate(databaseUrl: string, folder: string): Promise<void> {
  const migrations = join(folder, 'migrations');
  await mkdir(migrations, { recursive: true });
  for (const [index, dataset] of TEST_DATASETS.entries()) {
    const file = join(migrations, `${FIRST_MIGRATION + index * 1_000}-${dataset.name}.sql`);
    await writeFile(file, createTableSql(tableOf(dataset)));
  }
  await ask(databaseUrl, `create database ${TEMPLATE}`);
  const template = new URL(databaseUrl);
  template.pathname = TEMPLATE;
  await migrate({
    adminUrl: template.href,
    projectFolder: migrations,
    datasets: TEST_DATASETS,
    bootstrap: { password: PASSWORD, replace: true },
  });
  await ask(databaseUrl, `alter role nighttrain_reader password '${PASSWORD}'`);
  await ask(databaseUrl, `alter database ${TEMPLATE} is_template true allow_connections false`);
}

/** One statement as the superuser, outside any house. */
export async function ask(databaseUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
