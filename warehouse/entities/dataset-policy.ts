import { EntitySchema } from 'typeorm';

/** What the ledger judges a dataset by; written by `migrate` alone (R6). */
export interface DatasetPolicy {
  dataset: string;
  tableName: string;
  writeMode: 'replaceDay' | 'merge';
  keyColumns: string[];
  versionColumn: string | null;
  rejectLimitPercent: number;
  allowEmpty: boolean;
  historyDays: number;
  foldAfter: number;
}

export const policyEntity = new EntitySchema<DatasetPolicy>({
  name: 'dataset_policy',
  tableName: 'dataset_policy',
  schema: 'nighttrain',
  columns: {
    dataset: { type: 'text', primary: true },
    tableName: { type: 'text', name: 'table_name' },
    writeMode: { type: 'text', name: 'write_mode' },
    keyColumns: { type: 'text', name: 'key_columns', array: true },
    versionColumn: { type: 'text', name: 'version_column', nullable: true },
    rejectLimitPercent: { type: 'integer', name: 'reject_limit_percent' },
    allowEmpty: { type: 'boolean', name: 'allow_empty' },
    historyDays: { type: 'integer', name: 'history_days' },
    foldAfter: { type: 'integer', name: 'fold_after' },
  },
});
