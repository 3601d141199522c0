import type { EntityManager } from 'typeorm';
import type { OpenedTable } from './day-table.ts';

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
