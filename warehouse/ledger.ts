import type { DataSource, EntityManager } from 'typeorm';
import type { Receipt } from '../rules/attempt.ts';
import type { Counts } from '../rules/counts.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { loadBatchEntity } from './entities/load-batch.ts';
import type { LoadIdentity, OpenedTable } from './day-table.ts';

/** What the ledger is asked, and believed (R7, R8, R9). */
export interface Ledger {
  receiptOfRun(day: DatasetDay, ownerRunId: string): Promise<Receipt | undefined>;
  findBatch(load: LoadIdentity): Promise<Receipt | undefined>;
  readBack(load: LoadIdentity): Promise<Receipt | undefined>;
}

/** Asks through the given pool. */
export function ledgerOf(warehouse: DataSource): Ledger {
  return {
    receiptOfRun: (day, ownerRunId) => findReceiptOfRun(warehouse, day, ownerRunId),
    findBatch: (load) => findBatch(warehouse, load),
    readBack: (load) => readBack(warehouse, load),
  };
}

/** What the ledger row says besides the counts. */
export interface BatchFacts {
  readonly ownerRunId: string;
  readonly contentSha256: string;
  readonly manifest: string;
  readonly startedAt: Date;
}

/** Writes the ledger row: COMMIT judges it and publishes the table that it names (R1, R2, R6). */
export async function writeLedger(
  tx: EntityManager,
  load: LoadIdentity,
  table: OpenedTable,
  counts: Counts,
  facts: BatchFacts,
): Promise<void> {
  await tx.insert(loadBatchEntity, {
    ...load,
    tableName: table.name,
    rowsRead: counts.read,
    rowsLoaded: counts.loaded,
    rowsRejected: counts.rejected,
    rowsDiscarded: counts.discarded,
    rowsDeduplicated: counts.deduplicated,
    ...facts,
  });
}

/** The receipt of a batch that this run has committed already (R9), or undefined. */
export async function findReceiptOfRun(
  warehouse: DataSource,
  day: DatasetDay,
  ownerRunId: string,
): Promise<Receipt | undefined> {
  const where = 'b.dataset = $1 and b.business_date = $2 and b.owner_run_id = $3';
  return findReceipt(warehouse, where, [day.dataset, day.businessDate, ownerRunId]);
}

/** The receipt of the version of a day that readers see now, or undefined. */
export async function findPublished(
  warehouse: Pick<DataSource, 'query'>,
  day: DatasetDay,
): Promise<Receipt | undefined> {
  const where = `b.load_id = (
    select load_id from nighttrain.published_day where dataset = $1 and business_date = $2
  )`;
  return findReceipt(warehouse, where, [day.dataset, day.businessDate]);
}

/**
 * The receipt of a batch whose COMMIT may or may not have arrived (R8), or undefined. The fence is held meanwhile;
 * call it only when the backend that sent COMMIT is gone.
 */
export async function findBatch(warehouse: DataSource, load: LoadIdentity): Promise<Receipt | undefined> {
  return warehouse.transaction(async (tx) => {
    await tx.query('select nighttrain.lock_fence($1, $2)', [load.dataset, load.businessDate]);
    return findReceipt(tx, 'b.load_id = $1', [load.loadId]);
  });
}

/** The receipt of a batch, read in a new transaction: a COMMIT without complaint proves nothing (R7). */
export function readBack(warehouse: DataSource, load: LoadIdentity): Promise<Receipt | undefined> {
  return findReceipt(warehouse, 'b.load_id = $1', [load.loadId]);
}

async function findReceipt(
  database: Pick<DataSource, 'query'>,
  where: string,
  values: unknown[],
): Promise<Receipt | undefined> {
  const [row] = await database.query<(Omit<Receipt, 'committedAt'> & { committedAt: Date })[]>(
    `select b.load_id as "loadId", b.dataset, b.business_date as "businessDate", b.epoch,
       b.table_name as "tableName", b.content_sha256 as "contentSha256", c.committed_at as "committedAt",
       jsonb_build_object('read', rows_read, 'loaded', rows_loaded, 'rejected', rows_rejected,
         'discarded', rows_discarded, 'deduplicated', rows_deduplicated) as counts
     from nighttrain.load_batch b join nighttrain.audit_chain c using (load_id)
     where ${where}
     order by c.seq desc limit 1`,
    values,
  );
  return row && { ...row, committedAt: row.committedAt.toISOString() };
}
