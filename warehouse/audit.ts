import type { DataSource, EntityManager } from 'typeorm';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { toJsonb } from './storable.ts';
import type { Audit, Dataset } from '../rules/dataset.ts';

/** What an audit found: zero rows means good (§1). */
export interface AuditFinding {
  readonly audit: string;
  readonly severity: 'warn' | 'error';
  readonly rowsFound: number;
  readonly sample: readonly unknown[];
}

/** Where the rows of a day lie, published or not. */
export interface AuditedTable {
  /** In schema `warehouse`; PostgreSQL itself has named it. */
  readonly name: string;
  /** Whether days beside the audited one lie there, which its audits are not to see. */
  readonly hasOtherDays?: boolean;
}

const SAMPLE_ROWS = 10;

/** Runs audits on a day's rows. Personal columns are left out of the samples (R17). */
export async function runAudits(
  database: DataSource | EntityManager,
  dataset: Dataset,
  day: DatasetDay,
  table: AuditedTable,
  audits: readonly Audit[],
): Promise<AuditFinding[]> {
  const findings: AuditFinding[] = [];
  for (const { name, severity, sql } of audits) {
    const found = bind(sql, table, day.businessDate);
    const [row] = await database.query<{ rows: number; sample: Record<string, unknown>[] | null }[]>(
      `with ${found.text}
       select (select count(*) from found) as rows,
         (select jsonb_agg(to_jsonb(s)) from (select * from found limit ${SAMPLE_ROWS}) s) as sample`,
      found.values,
    );
    const sample = (row?.sample ?? []).map((line) => withoutPersonal(line, dataset));
    findings.push({ audit: name, severity, rowsFound: row?.rows ?? 0, sample });
  }
  return findings;
}

/** Keeps findings, on a connection that no rollback touches. */
export async function recordFindings(
  warehouse: DataSource,
  day: DatasetDay,
  epoch: number,
  findings: readonly AuditFinding[],
): Promise<void> {
  for (const { audit, severity, rowsFound, sample } of findings) {
    await warehouse.query(
      `insert into nighttrain.audit_result (dataset, business_date, epoch, audit, severity, rows_found, sample)
       values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
      [day.dataset, day.businessDate, epoch, audit, severity, rowsFound, toJsonb(sample)],
    );
  }
}

/** Keeps what `audit run` and the nightly audits found, one row an audit; those of the whole installation are of no dataset. */
export async function recordAuditRun(
  warehouse: DataSource,
  runId: string,
  found: readonly (AuditFinding & Partial<DatasetDay>)[],
): Promise<void> {
  for (const { dataset = null, businessDate = null, audit, severity, rowsFound, sample } of found) {
    await warehouse.query(
      `insert into nighttrain.audit_result (audit_run, dataset, business_date, audit, severity, rows_found, sample)
       values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
      [runId, dataset, businessDate, audit, severity, rowsFound, toJsonb(sample)],
    );
  }
}

/** The queries of a WITH. `:table` becomes the day's table, or its rows there; `:businessDate` a parameter. */
function bind(
  sql: string,
  { name, hasOtherDays = false }: AuditedTable,
  businessDate: string,
): { text: string; values: string[] } {
  const audit = sql.trim().replace(/;$/, '');
  const text = hasOtherDays
    ? `audited_day as (select * from warehouse.${name} where business_date = :businessDate),
       found as (${audit.replaceAll(':table', 'audited_day')})`
    : `found as (${audit.replaceAll(':table', `warehouse.${name}`)})`;
  return text.includes(':businessDate')
    ? { text: text.replaceAll(':businessDate', '$1::date'), values: [businessDate] }
    : { text, values: [] };
}

function withoutPersonal(line: Record<string, unknown>, dataset: Dataset): Record<string, unknown> {
  const shown = Object.entries(line).map(([name, value]) => [
    name,
    dataset.columns[name]?.isPersonal ? '***' : value,
  ]);
  return Object.fromEntries(shown) as Record<string, unknown>;
}
