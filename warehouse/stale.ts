import type { DataSource } from 'typeorm';
import type { BusinessDate } from '../rules/business-date.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import type { Session } from './evict.ts';

/** An attempt without an outcome, and who ran it. */
export interface OpenAttempt extends DatasetDay {
  readonly epoch: number;
  readonly ownerRunId: string;
  readonly workflowId: string;
  /** The day's epoch now, where this run still owns it: what its sessions may have come to. */
  readonly ownEpoch: number | null;
}

/** Attempts without an outcome that began at least `ageSeconds` ago. */
export async function openAttempts(warehouse: DataSource, ageSeconds: number): Promise<OpenAttempt[]> {
  return warehouse.query<OpenAttempt[]>(
    `select a.dataset, a.business_date as "businessDate", a.epoch, a.owner_run_id as "ownerRunId",
       a.workflow_id as "workflowId", f.epoch as "ownEpoch"
     from nighttrain.attempt a
       left join nighttrain.run_fence f
         on f.dataset = a.dataset and f.business_date = a.business_date and f.owner_run_id = a.owner_run_id
     where a.state = 'running' and a.started_at <= clock_timestamp() - make_interval(secs => $1)
     order by a.started_at limit 1000`,
    [ageSeconds],
  );
}

/** A load session, and what its day's fence says of it. */
export interface LoadSessionState extends Session, DatasetDay {
  readonly epoch: number;
  /** The epoch that may commit now; null where nobody ever took the day over. */
  readonly currentEpoch: number | null;
  /** ISO 8601: since when it has done what it does. */
  readonly since: string;
  readonly doing: string;
}

/** Every load session of this database and the loader's role; `isZombie` tells which are left over (§1). */
export async function loadSessions(warehouse: DataSource): Promise<LoadSessionState[]> {
  return warehouse.query<LoadSessionState[]>(
    `select s.pid, s.backend_start::text as "backendStart", s.application_name as "applicationName",
       m[1] as dataset, m[2]::date as "businessDate", m[3]::bigint as epoch, f.epoch as "currentEpoch",
       to_char(coalesce(s.state_change, s.backend_start) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since,
       concat_ws(', ', s.state, s.wait_event_type || ' ' || s.wait_event) as doing
     from pg_stat_activity s
       cross join lateral regexp_match(s.application_name,
         '^nt:([a-z][a-z0-9-]{0,31}):([0-9]{4}-[0-9]{2}-[0-9]{2}):([0-9]{1,18})$') m
       left join nighttrain.run_fence f on f.dataset = m[1] and f.business_date = m[2]::date
     where s.datname = current_database() and s.usename = current_user and m is not null
     order by s.backend_start`,
  );
}

/**
 * Whether a session no longer has the right to write, whatever it believes. One of a later epoch is no zombie: it began
 * after the fence was read, which a query that lists sessions does first.
 */
export function isZombie({ epoch, currentEpoch }: LoadSessionState): boolean {
  return currentEpoch === null || epoch < currentEpoch;
}

/** Those of the dates that the ledger has. */
export async function publishedAmong(
  warehouse: DataSource,
  dataset: string,
  dates: readonly BusinessDate[],
): Promise<Set<BusinessDate>> {
  const rows = await warehouse.query<{ date: BusinessDate }[]>(
    `select business_date as date from nighttrain.published_day where dataset = $1 and business_date = any($2::date[])`,
    [dataset, dates],
  );
  return new Set(rows.map(({ date }) => date));
}

/** The last date of a dataset that the ledger has. */
export async function lastPublished(
  warehouse: DataSource,
  dataset: string,
): Promise<BusinessDate | undefined> {
  const [row] = await warehouse.query<{ date: BusinessDate | null }[]>(
    `select max(business_date) as date from nighttrain.published_day where dataset = $1`,
    [dataset],
  );
  return row?.date ?? undefined;
}

/** The first business date that each dataset's schedule owes. */
export async function scheduledSince(warehouse: DataSource): Promise<Map<string, BusinessDate>> {
  const rows = await warehouse.query<{ dataset: string; since: BusinessDate }[]>(
    `select dataset, scheduled_since as since from nighttrain.dataset_policy where scheduled_since is not null`,
  );
  return new Map(rows.map(({ dataset, since }) => [dataset, since]));
}
