import { join } from 'node:path';
import type { Command } from 'commander';
import { findEngines } from '../local/engines.ts';
import type { Dataset } from '../rules/dataset.ts';
import { ConfigurationError } from '../rules/errors.ts';
import { migrate } from '../warehouse/migrate.ts';
import { readConfig, type Config } from '../worker/config.ts';
import { databasesOf, type Databases } from '../worker/databases.ts';
import { loadDatasets } from '../worker/project.ts';
import { Output } from './output.ts';

interface MigrateCommandOptions {
  readonly bootstrap?: boolean;
  readonly json?: boolean;
}

export function addMigrate(program: Command): void {
  program
    .command('migrate')
    .description('applies the migrations that the warehouse lacks and writes the limits it judges by')
    .option(
      '--bootstrap',
      'as a superuser, once: create roles and schemas first, and set the loader’s password',
    )
    .option('--json', 'one JSON document on stdout')
    .action(migrateCommand);
}

async function migrateCommand({ bootstrap = false, json = false }: MigrateCommandOptions): Promise<void> {
  const output = new Output(json);
  const config = readConfig();
  const datasets = await loadDatasets(config.projectRoot);
  const embedded = config.databaseUrl ? undefined : (await findEngines(config.home)).databaseUrl;
  if (!config.databaseUrl && !embedded) {
    throw new ConfigurationError(`No PostgreSQL runs under ${config.home}, and none is configured`, {
      hint: 'Start it (npx nighttrain up), or name one: NIGHTTRAIN_ADMIN_DATABASE_URL=postgres://…',
    });
  }
  const databases = await databasesOf(config, embedded);
  if (databases.adminUrl === undefined) {
    throw new ConfigurationError('The loader may change no table, and no other login is known', {
      hint: 'Name one that may: NIGHTTRAIN_ADMIN_DATABASE_URL=postgres://nighttrain_migrator:…',
    });
  }
  const applied = await bringUpToDate(config, databases, [...datasets.values()], bootstrap);
  output.line(
    applied.length > 0
      ? `Applied ${applied.length} migrations:`
      : 'The warehouse is up to date: nothing to apply.',
  );
  for (const name of applied) output.line(`  ${name}`);
  output.document({ applied });
}

/**
 * Applies what is missing; the answer is its names. Nothing where only the loader's login is known.
 * @param prepares create roles and schemas first
 */
export async function bringUpToDate(
  config: Config,
  { adminUrl, loaderPassword, setsPassword }: Databases,
  datasets: readonly Dataset[],
  prepares: boolean,
): Promise<string[]> {
  if (adminUrl === undefined) return []; // migrations are somebody else's
  return migrate({
    adminUrl,
    projectFolder: join(config.projectRoot, 'migrations'),
    datasets,
    bootstrap: prepares ? { password: loaderPassword, replace: setsPassword } : undefined,
  });
}
