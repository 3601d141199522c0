import type { DataSource } from 'typeorm';
import type { Severity } from '../rules/alert-rules.ts';

/** What the ledger knows of one dataset, over all of its nights. */
export interface DatasetFigures {
  readonly dataset: string;
  readonly loaded: number;
  readonly rejected: number;
  readonly discarded: number;
  readonly deduplicated: number;
  /** Of the last COMMIT, seconds since 1970; null before the first. */
  readonly lastLoadedSeconds: number | null;
  /** From the take-over of the last loaded night to its end, seconds. */
  readonly nightSeconds: number | null;
  /** Closed attempts by how they ended. */
  readonly attempts: Readonly<Record<string, number>>;
}

export interface NightFigures {
  readonly datasets: readonly DatasetFigures[];
  readonly openAlerts: Readonly<Record<Severity, number>>;
}

/**
 * The figures of all nights, from the ledger: they survive every restart.
 * @param longestMs how long PostgreSQL may take over them
 */
export async function nightFigures(warehouse: DataSource, longestMs: number): Promise<NightFigures> {
  return warehouse.transaction('REPEATABLE READ', async (tx) => {
    await tx.query(`select set_config('statement_timeout', $1, true)`, [String(longestMs)]);
    const datasets = await tx.query<DatasetFigures[]>(DATASETS);
    const alerts = await tx.query<{ severity: Severity; open: number }[]>(
      `select severity, count(*) as open from nighttrain.alert where state <> 'resolved' group by severity`,
    );
    const openAlerts = { warn: 0, error: 0, critical: 0 };
    for (const { severity, open } of alerts) openAlerts[severity] = open;
    return { datasets, openAlerts };
  });
}

const DATASETS = `
  with batch as (
    select dataset, sum(rows_loaded)::bigint as loaded, sum(rows_rejected)::bigint as rejected,
      sum(rows_discarded)::bigint as discarded, sum(rows_deduplicated)::bigint as deduplicated
    from nighttrain.load_batch group by dataset
  ),
  last_link as (
    select dataset, extract(epoch from max(committed_at))::float8 as at from nighttrain.audit_chain group by dataset
  ),
  last_night as (
    select distinct on (dataset) dataset, extract(epoch from ended_at - started_at)::float8 as seconds
    from nighttrain.attempt where state = 'loaded' order by dataset, ended_at desc
  ),
  ended as (
    select dataset, jsonb_object_agg(state, attempts) as attempts
    from (
      select dataset, state, count(*) as attempts from nighttrain.attempt where state <> 'running' group by dataset, state
    ) a
    group by dataset
  )
  select p.dataset, coalesce(b.loaded, 0) as loaded, coalesce(b.rejected, 0) as rejected,
    coalesce(b.discarded, 0) as discarded, coalesce(b.deduplicated, 0) as deduplicated,
    l.at as "lastLoadedSeconds", n.seconds as "nightSeconds", coalesce(e.attempts, '{}') as attempts
  from nighttrain.dataset_policy p
    left join batch b using (dataset)
    left join last_link l using (dataset)
    left join last_night n using (dataset)
    left join ended e using (dataset)
  order by p.dataset`;
