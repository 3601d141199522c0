import { EntitySchema } from 'typeorm';
import type { BusinessDate } from '../../rules/business-date.ts';

/** A rejected row, with reason and raw text; it outlives any rollback (R5). */
export interface QuarantinedRow {
  dataset: string;
  businessDate: BusinessDate;
  epoch: number;
  part: number;
  record: number;
  rule: string;
  line: number | null;
  columnName: string | null;
  reason: string;
  raw: string;
  quarantinedAt: Date;
}

export const quarantineEntity = new EntitySchema<QuarantinedRow>({
  name: 'quarantine',
  tableName: 'quarantine',
  schema: 'nighttrain',
  columns: {
    dataset: { type: 'text', primary: true },
    businessDate: { type: 'date', name: 'business_date', primary: true },
    epoch: { type: 'bigint', primary: true },
    part: { type: 'integer', primary: true },
    record: { type: 'bigint', primary: true },
    rule: { type: 'text', primary: true },
    line: { type: 'bigint', nullable: true },
    columnName: { type: 'text', name: 'column_name', nullable: true },
    reason: { type: 'text' },
    raw: { type: 'text' },
    quarantinedAt: { type: 'timestamptz', name: 'quarantined_at', insert: false, update: false },
  },
});
