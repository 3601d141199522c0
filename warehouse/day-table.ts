import type { Readable } from 'node:stream';
import { createHash } from 'node:crypto';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { EntityManager } from 'typeorm';
import type { DatasetDay } from '../rules/dataset-day.ts';
import type { Dataset } from '../rules/dataset.ts';

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

/** Copies a stream in COPY's binary format, the dataset's columns in their order. `progress` is told bytes. */
export async function copyInto(
  tx: EntityManager,
  table: OpenedTable,
  dataset: Dataset,
  rows: Readable,
  progress: (bytes: number) => void,
): Promise<Copied> {
  const client = (await tx.queryRunner?.connect()) as PoolClient;
  const columns = Object.keys(dataset.columns).join(', ');
  const copy = client.query(
    copyFrom(`copy warehouse.${table.name} (${columns}) from stdin (format binary, freeze)`),
  );
  const hash = createHash('sha256');
  let bytes = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      progress(bytes);
      done(null, chunk);
    },
  });
  await pipeline(rows, counted, copy);
  return { rows: copy.rowCount, sha256: hash.digest('hex') };
}

/** Builds key and indexes after the COPY; false where two rows share a key. */
export async function buildKeys(tx: EntityManager, table: OpenedTable): Promise<boolean> {
  const [row] = await tx.query<{ built: boolean }[]>('select nighttrain.build_keys($1) as built', [
    table.name,
  ]);
  return row?.built ?? false;
}
