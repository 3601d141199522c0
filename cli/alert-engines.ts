import type { Client } from '@temporalio/client';
import { InvalidArgumentError } from 'commander';
import type { DataSource } from 'typeorm';
import { findEngines } from '../local/engines.ts';
import { ConfigurationError, describe, NothingThere } from '../rules/errors.ts';
import type { Config } from '../worker/config.ts';
import { escalationsOf } from '../worker/escalations.ts';
import { connectClient } from '../worker/temporal.ts';
import { findDatabases, type WarehouseOfProject } from './databases.ts';
import { openCommandWarehouse } from './installation.ts';
import type { Output } from './output.ts';

/** For commander: what an alert is called by. */
export function codeNamed(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`'${text}' is not the code of an alert: it is a number, as 4821.`);
}

export function noSuchAlert(code: number): NothingThere {
  return new NothingThere(`There is no alert ${code}`, {
    hint: 'Those that are open: npx nighttrain alert list',
  });
}

/** The archive, without Temporal: who acknowledges at 3 a.m. may have only one of them. */
export async function withArchive<T>(
  work: (here: WarehouseOfProject & { readonly warehouse: DataSource }) => Promise<T>,
): Promise<T> {
  const here = await findDatabases();
  const warehouse = await openCommandWarehouse(here);
  try {
    return await work({ ...here, warehouse });
  } finally {
    await warehouse.destroy();
  }
}

/** A connection to Temporal, closed after `work`. @throws ConfigurationError where it is not there */
export async function withTemporal<T>(config: Config, work: (client: Client) => Promise<T>): Promise<T> {
  const address = config.temporalAddress ?? (await findEngines(config.home)).temporalAddress;
  if (!address) throw new ConfigurationError(`No Temporal runs under ${config.home}, and none is configured`);
  const client = await connectClient({ address, namespace: config.temporalNamespace });
  try {
    return await work(client);
  } finally {
    await client.connection.close();
  }
}

/** Tells escalations to look at the archive again. Without Temporal they do so by themselves before they page anybody. */
export async function tellEscalations(
  config: Config,
  alertIds: readonly string[],
  output: Output,
): Promise<void> {
  if (alertIds.length === 0) return;
  try {
    await withTemporal(config, async (client) => {
      const escalations = escalationsOf(client);
      for (const alertId of alertIds) await escalations.alertChanged(alertId);
    });
  } catch (error) {
    output.note(
      `The archive has it; the escalation could not be told, and sees it before it pages anybody else.\n${describe(error)}`,
    );
  }
}
