import { EntitySchema } from 'typeorm';
import type { BusinessDate } from '../../rules/business-date.ts';

/** The proof of a night: committed with its rows. */
export interface LoadBatch {
  loadId: string;
  dataset: string;
  businessDate: BusinessDate;
  epoch: number;
  ownerRunId: string;
  tableName: string;
  rowsRead: number;
  rowsLoaded: number;
  rowsRejected: number;
  rowsDiscarded: number;
  rowsDeduplicated: number;
  contentSha256: string;
  manifest: string;
  startedAt: Date;
}

export const loadBatchEntity = new EntitySchema<LoadBatch>({
  name: 'load_batch',
  tableName: 'load_batch',
  schema: 'nighttrain',
  columns: {
    loadId: { type: 'uuid', name: 'load_id', primary: true },
    dataset: { type: 'text' },
    businessDate: { type: 'date', name: 'business_date' },
    epoch: { type: 'bigint' },
    ownerRunId: { type: 'text', name: 'owner_run_id' },
    tableName: { type: 'text', name: 'table_name' },
    rowsRead: { type: 'bigint', name: 'rows_read' },
    rowsLoaded: { type: 'bigint', name: 'rows_loaded' },
    rowsRejected: { type: 'bigint', name: 'rows_rejected' },
    rowsDiscarded: { type: 'bigint', name: 'rows_discarded' },
    rowsDeduplicated: { type: 'bigint', name: 'rows_deduplicated' },
    contentSha256: { type: 'text', name: 'content_sha256' },
    manifest: { type: 'text' },
    startedAt: { type: 'timestamptz', name: 'started_at' },
  },
});
