import type { Client } from '@temporalio/client';
import type { DataSource } from 'typeorm';
import { findEngines, type FoundEngines } from '../local/engines.ts';
import { parseBusinessDate, type BusinessDate } from '../rules/business-date.ts';
import type { Dataset } from '../rules/dataset.ts';
import { ConfigurationError, UsageError } from '../rules/errors.ts';
import { connectionRefused } from '../warehouse/connection-refused.ts';
import { openWarehouse } from '../warehouse/data-source.ts';
import { readConfig, type Config } from '../worker/config.ts';
import { databasesOf, type Databases } from '../worker/databases.ts';
import { loadDatasets } from '../worker/project.ts';
import { connectClient, type TemporalTarget } from '../worker/temporal.ts';

/** What runs here and where: the configured engines, or the embedded ones that `up` started under this home. */
export interface Installation {
  readonly config: Config;
  readonly datasets: ReadonlyMap<string, Dataset>;
  readonly databases: Databases;
  readonly temporal: TemporalTarget;
  /** Of the embedded Temporal, where its binary has one. */
  readonly temporalUiUrl?: string | undefined;
}

/** @throws ConfigurationError where nothing is configured and nothing runs */
export async function openInstallation(): Promise<Installation> {
  const config = readConfig();
  const datasets = await loadDatasets(config.projectRoot);
  const found: FoundEngines =
    config.databaseUrl && config.temporalAddress ? {} : await findEngines(config.home);
  const address = config.temporalAddress ?? found.temporalAddress;
  if (!(config.databaseUrl ?? found.databaseUrl) || !address) {
    throw new ConfigurationError(`Nothing runs under ${config.home}`, {
      hint: 'Start it in another terminal: npx nighttrain up',
    });
  }
  const databases = await databasesOf(config, found.databaseUrl);
  const temporal = { address, namespace: config.temporalNamespace };
  const temporalUiUrl = config.temporalAddress === undefined ? found.temporalUiUrl : undefined;
  return { config, datasets, databases, temporal, temporalUiUrl };
}

/** Opens the warehouse for one command. @throws ConfigurationError where it does not let us in */
export async function openCommandWarehouse({
  databases,
}: Pick<Installation, 'databases'>): Promise<DataSource> {
  try {
    return await openWarehouse(databases.loaderUrl, { applicationName: 'nighttrain cli', poolSize: 2 });
  } catch (error) {
    throw connectionRefused(error, databases.loaderUrl);
  }
}

/** Connections to both engines, closed together. */
export class OpenEngines implements AsyncDisposable {
  readonly warehouse: DataSource;
  readonly client: Client;

  private constructor(warehouse: DataSource, client: Client) {
    this.warehouse = warehouse;
    this.client = client;
  }

  /** @throws ConfigurationError where one of them does not answer, or does not let us in */
  static async open(installation: Pick<Installation, 'databases' | 'temporal'>): Promise<OpenEngines> {
    const warehouse = await openCommandWarehouse(installation);
    try {
      return new OpenEngines(warehouse, await connectClient(installation.temporal));
    } catch (error) {
      await warehouse.destroy();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.connection.close();
    await this.warehouse.destroy();
  }
}

/** What most commands need; closed after `work`, however it ends. */
export async function withInstallation<T>(
  work: (here: Installation & { readonly warehouse: DataSource; readonly client: Client }) => Promise<T>,
): Promise<T> {
  const installation = await openInstallation();
  await using engines = await OpenEngines.open(installation);
  const { warehouse, client } = engines;
  return await work({ ...installation, warehouse, client });
}

/** @throws UsageError where the calendar has no such day */
export function dateNamed(text: string): BusinessDate {
  const date = parseBusinessDate(text);
  if (date) return date;
  throw new UsageError(`'${text}' is not a day of the calendar`, { hint: 'Write it as YYYY-MM-DD.' });
}
