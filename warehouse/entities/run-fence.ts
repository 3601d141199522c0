import { EntitySchema } from 'typeorm';
import type { BusinessDate } from '../../rules/business-date.ts';

/** Who owns a dataset day, and which epoch may still commit (R6). Changed by functions of the owner alone. */
export interface RunFence {
  dataset: string;
  businessDate: BusinessDate;
  epoch: number;
  ownerRunId: string;
  takenAt: Date;
}

export const runFenceEntity = new EntitySchema<RunFence>({
  name: 'run_fence',
  tableName: 'run_fence',
  schema: 'nighttrain',
  columns: {
    dataset: { type: 'text', primary: true },
    businessDate: { type: 'date', name: 'business_date', primary: true },
    epoch: { type: 'bigint' },
    ownerRunId: { type: 'text', name: 'owner_run_id' },
    takenAt: { type: 'timestamptz', name: 'taken_at', insert: false, update: false },
  },
});
