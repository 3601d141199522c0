import type { EntityManager } from 'typeorm';
import type { Dataset } from '../rules/dataset.ts';
import type { OpenedTable } from './day-table.ts';
import { NUMBERED } from './row-checks.ts';

/** How a merge's rows compare with the table (§5). */
export interface MergeDelta {
  readonly inserted: number;
  readonly updated: number;
  readonly unchanged: number;
  /** Older than what the table has; discarded. */
  readonly stale: number;
}

/** Computes what COMMIT will write: the delta alone. */
export async function computeDelta(tx: EntityManager, table: OpenedTable): Promise<MergeDelta> {
  const [delta] = await tx.query<MergeDelta[]>('select * from nighttrain.merge_delta($1)', [table.name]);
  if (!delta) throw new Error('merge_delta answered no row');
  return delta;
}

/**
 * The rows that a merge would discard, being older than what the table has; by their ordinals, from 0. Asked before
 * the delta is computed, which moves rows. None where the dataset replaces its day.
 */
export async function staleRows(tx: EntityManager, table: OpenedTable, dataset: Dataset): Promise<number[]> {
  if (dataset.write !== 'merge') return [];
  const row = (alias: string) =>
    `row(${Object.keys(dataset.columns)
      .map((name) => `${alias}.${name}`)
      .join(', ')})`;
  const rows = await tx.query<{ ordinal: number }[]>(
    `select n.ordinal
     from (${NUMBERED(table)}) n
       join warehouse.${dataset.table} o on ${dataset.key.map((name) => `n.${name} = o.${name}`).join(' and ')}
     where ${row('n')} is distinct from ${row('o')} and o.version > n.${dataset.versionBy ?? 'version'}`,
  );
  return rows.map(({ ordinal }) => ordinal);
}
