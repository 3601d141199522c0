import { EntitySchema } from 'typeorm';
import type { BusinessDate } from '../../rules/business-date.ts';
import type { AttemptError, AttemptKind, AttemptState } from '../../rules/attempt.ts';

/** One try at a dataset day (§1). It outlives any rollback (R5). */
export interface AttemptRow {
  dataset: string;
  businessDate: BusinessDate;
  epoch: number;
  loadEpoch: number | null;
  ownerRunId: string;
  workflowId: string;
  kind: AttemptKind;
  state: AttemptState;
  rowsRead: number | null;
  rowsLoaded: number | null;
  rowsRejected: number | null;
  rowsDiscarded: number | null;
  rowsDeduplicated: number | null;
  rejectedByRule: Record<string, number>;
  warnings: string[];
  loadId: string | null;
  /** What it has read, in landing; null until its rows are judged. */
  manifest: string | null;
  error: AttemptError | null;
  startedAt: Date;
  endedAt: Date | null;
}

export const attemptEntity = new EntitySchema<AttemptRow>({
  name: 'attempt',
  tableName: 'attempt',
  schema: 'nighttrain',
  columns: {
    dataset: { type: 'text', primary: true },
    businessDate: { type: 'date', name: 'business_date', primary: true },
    epoch: { type: 'bigint', primary: true },
    loadEpoch: { type: 'bigint', name: 'load_epoch', nullable: true },
    ownerRunId: { type: 'text', name: 'owner_run_id' },
    workflowId: { type: 'text', name: 'workflow_id' },
    kind: { type: 'text' },
    state: { type: 'text' },
    rowsRead: { type: 'bigint', name: 'rows_read', nullable: true },
    rowsLoaded: { type: 'bigint', name: 'rows_loaded', nullable: true },
    rowsRejected: { type: 'bigint', name: 'rows_rejected', nullable: true },
    rowsDiscarded: { type: 'bigint', name: 'rows_discarded', nullable: true },
    rowsDeduplicated: { type: 'bigint', name: 'rows_deduplicated', nullable: true },
    rejectedByRule: { type: 'jsonb', name: 'rejected_by_rule' },
    warnings: { type: 'jsonb' },
    loadId: { type: 'uuid', name: 'load_id', nullable: true },
    manifest: { type: 'text', nullable: true },
    error: { type: 'jsonb', nullable: true },
    startedAt: { type: 'timestamptz', name: 'started_at', insert: false, update: false },
    endedAt: { type: 'timestamptz', name: 'ended_at', nullable: true },
  },
});
