import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { EntityManager } from 'typeorm';
import type { DatasetDay } from '../rules/dataset-day.ts';
import type { Dataset } from '../rules/dataset.ts';
import { CopyIn } from './copy-in.ts';

/** A table of one version of a day, seen by nobody else until COMMIT publishes it. */
export interface OpenedTable {
  /** In schema `warehouse`; made by PostgreSQL from the policy, so safe in an identifier's place. */
  readonly name: string;
}

export interface LoadIdentity extends DatasetDay {
  readonly epoch: number;
  readonly loadId: string;
}

/** Opens the `number`th empty table of this load; at the transaction's top level, as COPY FREEZE demands (§5). */
export async function openDay(tx: EntityManager, load: LoadIdentity, number: number): Promise<OpenedTable> {
  const [row] = await tx.query<OpenedTable[]>('select nighttrain.open_day($1, $2, $3, $4, $5) as name', [
    load.dataset,
    load.businessDate,
    load.epoch,
    load.loadId,
    number,
  ]);
  if (!row) throw new Error('open_day answered no row');
  return row;
}

/** What a COPY did. */
export interface Copied {
  /** Rows, by PostgreSQL's command tag (R4). */
  readonly rows: number;
  /** Of the bytes that were sent, hexadecimal (R9). */
  readonly sha256: string;
}

/**
 * Copies a stream in COPY's binary format, the dataset's columns in their order.
 * @param rows of which each piece may be overwritten once the next is asked for
 */
export async function copyInto(
  tx: EntityManager,
  table: OpenedTable,
  dataset: Dataset,
  rows: AsyncIterable<Uint8Array>,
): Promise<Copied> {
  const client = (await tx.queryRunner?.connect()) as PoolClient;
  const columns = Object.keys(dataset.columns).join(', ');
  const copy = new CopyIn(
    client,
    `copy warehouse.${table.name} (${columns}) from stdin (format binary, freeze)`,
  );
  const hash = createHash('sha256');
  try {
    for await (const piece of rows) {
      const sent = copy.send(piece);
      hash.update(piece);
      await sent;
    }
  } catch (error) {
    await copy.fail(error as Error);
    throw error;
  }
  return { rows: await copy.end(), sha256: hash.digest('hex') };
}

/** Builds key and indexes after the COPY; false where two rows share a key. */
export async function buildKeys(tx: EntityManager, table: OpenedTable): Promise<boolean> {
  const [row] = await tx.query<{ built: boolean }[]>('select nighttrain.build_keys($1) as built', [
    table.name,
  ]);
  return row?.built ?? false;
}
