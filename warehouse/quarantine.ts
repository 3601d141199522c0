import type { DataSource } from 'typeorm';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { toJsonb } from './storable.ts';

/** The table holds the first so many rows of a night; the rejects file in landing holds all (R5). */
export const QUARANTINE_BOUND = 100_000;

/** A rejected row as quarantine keeps it. */
export interface Quarantined {
  readonly part: number;
  readonly record: number;
  readonly line: number | null;
  readonly column: string | null;
  readonly rule: string;
  readonly reason: string;
  readonly raw: string;
}

const ROWS_AT_ONCE = 1_000;

/**
 * Keeps rejected rows on a connection of its own, so that they outlive the load's rollback. A row that is there
 * already is left alone: a retried step writes it once (R5). Takes at most what is left of the night's bound.
 */
export async function keepRejected(
  warehouse: DataSource,
  day: DatasetDay,
  epoch: number,
  rejected: AsyncIterable<Quarantined> | Iterable<Quarantined>,
): Promise<void> {
  const [kept] = await warehouse.query<{ rows: number }[]>(
    'select count(*) as rows from nighttrain.quarantine where dataset = $1 and business_date = $2 and epoch = $3',
    [day.dataset, day.businessDate, epoch],
  );
  let left = QUARANTINE_BOUND - (kept?.rows ?? 0);
  let batch: Quarantined[] = [];
  // What an earlier try has kept takes nothing of the bound again.
  const flush = async () => {
    if (batch.length > 0) left -= await insert(warehouse, day, epoch, batch);
    batch = [];
  };
  for await (const row of rejected) {
    if (left <= 0) break;
    batch.push(row);
    if (batch.length >= Math.min(ROWS_AT_ONCE, left)) await flush();
  }
  await flush();
}

/** Answers how many were new. */
async function insert(
  warehouse: DataSource,
  day: DatasetDay,
  epoch: number,
  rows: readonly Quarantined[],
): Promise<number> {
  const [inserted] = await warehouse.query<{ rows: number }[]>(
    `with inserted as (
       insert into nighttrain.quarantine
         (dataset, business_date, epoch, part, record, rule, line, column_name, reason, raw)
       select $1, $2, $3, r.part, r.record, r.rule, r.line, r."column", r.reason, r.raw
       from jsonb_to_recordset($4::jsonb)
         as r(part int, record bigint, rule text, line bigint, "column" text, reason text, raw text)
       on conflict do nothing
       returning 1
     )
     select count(*) as rows from inserted`,
    [day.dataset, day.businessDate, epoch, toJsonb(rows)],
  );
  return inserted?.rows ?? 0;
}
