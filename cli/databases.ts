import { findEngines } from '../local/engines.ts';
import type { Dataset } from '../rules/dataset.ts';
import { ConfigurationError } from '../rules/errors.ts';
import { readConfig, type Config } from '../worker/config.ts';
import { databasesOf, type Databases } from '../worker/databases.ts';
import { loadDatasets } from '../worker/project.ts';

/** What a command needs that asks the warehouse alone: it works while Temporal is down. */
export interface WarehouseOfProject {
  readonly config: Config;
  readonly datasets: ReadonlyMap<string, Dataset>;
  readonly databases: Databases;
}

/** @throws ConfigurationError where no PostgreSQL is configured and none runs */
export async function findDatabases(): Promise<WarehouseOfProject> {
  const config = readConfig();
  const datasets = await loadDatasets(config.projectRoot);
  const embedded = config.databaseUrl ? undefined : (await findEngines(config.home)).databaseUrl;
  if (!config.databaseUrl && !embedded) {
    throw new ConfigurationError(`No PostgreSQL runs under ${config.home}, and none is configured`, {
      hint: 'Start it in another terminal: npx nighttrain up',
    });
  }
  return { config, datasets, databases: await databasesOf(config, embedded) };
}
