import type { DataSource } from 'typeorm';
import type { ReleasedCount, ReleasedRow } from '../rules/release.ts';
import { QUARANTINE_BOUND } from './quarantine.ts';

const ROWS_AT_ONCE = 1_000;

/**
 * Keeps which rejected row went where, on a connection that no rollback touches; what an earlier try has written is
 * written over. Takes the first 100,000 of a release, as quarantine does of a night (R5). An attempt that no longer
 * answers for the release writes nothing.
 */
export async function keepReleasedRows(
  warehouse: DataSource,
  releaseId: string,
  epoch: number,
  rows: AsyncIterable<ReleasedRow>,
): Promise<void> {
  let left = QUARANTINE_BOUND;
  let batch: ReleasedRow[] = [];
  for await (const row of rows) {
    batch.push(row);
    if (batch.length < Math.min(ROWS_AT_ONCE, left)) continue;
    await insert(warehouse, releaseId, epoch, batch);
    left -= batch.length;
    batch = [];
    if (left === 0) return;
  }
  if (batch.length > 0) await insert(warehouse, releaseId, epoch, batch);
}

async function insert(
  warehouse: DataSource,
  releaseId: string,
  epoch: number,
  rows: readonly ReleasedRow[],
): Promise<void> {
  await warehouse.query(
    `insert into nighttrain.quarantine_release_row as kept
       (release_id, part, record, rule, new_part, new_record, became, became_rule)
     select f.release_id, r.part, r.record, r.rule, r."newPart", r."newRecord", r.became, r."becameRule"
     from nighttrain.quarantine_release f,
       jsonb_to_recordset($3::jsonb)
         as r(part int, record bigint, rule text, "newPart" int, "newRecord" bigint, became text, "becameRule" text)
     where f.release_id = $1 and f.epoch = $2
     on conflict (release_id, part, record) do update
       set new_part = excluded.new_part, new_record = excluded.new_record,
         became = excluded.became, became_rule = excluded.became_rule`,
    [releaseId, epoch, JSON.stringify(rows)],
  );
}

/** How many of a release's rows went which way. */
export function countReleased(warehouse: DataSource, releaseId: string): Promise<ReleasedCount[]> {
  return warehouse.query(
    `select rule, became, became_rule as "becameRule", count(*) as rows
     from nighttrain.quarantine_release_row where release_id = $1
     group by 1, 2, 3 order by rule, rows desc, became, became_rule`,
    [releaseId],
  );
}

/** The first rows of a release, in the order of the landed input. */
export function firstReleased(
  warehouse: DataSource,
  releaseId: string,
  most: number,
): Promise<ReleasedRow[]> {
  return warehouse.query(
    `select part, record, rule, new_part as "newPart", new_record as "newRecord", became, became_rule as "becameRule"
     from nighttrain.quarantine_release_row where release_id = $1
     order by part, record limit $2`,
    [releaseId, most],
  );
}
