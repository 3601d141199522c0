import type { EntityManager } from 'typeorm';
import type { Dataset } from '../rules/dataset.ts';
import { Ordinals } from '../rules/ordinals.ts';
import type { OpenedTable } from './day-table.ts';
import { askNumbered, NUMBERED } from './numbered-rows.ts';

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
 * The rows that a merge would discard, being older than what the table has. Asked before the delta is computed, which
 * moves rows. None where the dataset replaces its day.
 */
export async function staleRows(tx: EntityManager, table: OpenedTable, dataset: Dataset): Promise<Ordinals> {
  const stale = new Ordinals();
  if (dataset.write !== 'merge') return stale;
  const row = (alias: string) =>
    `row(${Object.keys(dataset.columns)
      .map((name) => `${alias}.${name}`)
      .join(', ')})`;
  const question = `
    select n.ordinal
    from (${NUMBERED(table)}) n
      join warehouse.${dataset.table} o on ${dataset.key.map((name) => `n.${name} = o.${name}`).join(' and ')}
    where ${row('n')} is distinct from ${row('o')} and o.version > n.${dataset.versionBy ?? 'version'}`;
  for await (const { ordinal } of askNumbered<{ ordinal: number }>(tx, question)) stale.add(ordinal);
  return stale;
}
