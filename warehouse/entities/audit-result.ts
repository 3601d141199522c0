import { EntitySchema } from 'typeorm';
import type { BusinessDate } from '../../rules/business-date.ts';

/** What an audit found: zero rows means good. */
export interface AuditResult {
  dataset: string;
  businessDate: BusinessDate;
  epoch: number;
  audit: string;
  severity: 'warn' | 'error';
  rowsFound: number;
  sample: unknown[];
  ranAt: Date;
}

export const auditResultEntity = new EntitySchema<AuditResult>({
  name: 'audit_result',
  tableName: 'audit_result',
  schema: 'nighttrain',
  columns: {
    dataset: { type: 'text', primary: true },
    businessDate: { type: 'date', name: 'business_date', primary: true },
    epoch: { type: 'bigint', primary: true },
    audit: { type: 'text', primary: true },
    severity: { type: 'text' },
    rowsFound: { type: 'bigint', name: 'rows_found' },
    sample: { type: 'jsonb' },
    ranAt: { type: 'timestamptz', name: 'ran_at', insert: false, update: false },
  },
});
