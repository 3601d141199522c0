import type { DataSource } from 'typeorm';
import type { AttemptError, AttemptState } from '../rules/attempt.ts';
import type { BusinessDate } from '../rules/business-date.ts';
import type { Counts } from '../rules/counts.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';

/** Of which days; both dates are included, null leaves that end open. */
export interface DayRange {
  readonly dataset: string | null;
  readonly from: BusinessDate | null;
  readonly to: BusinessDate | null;
}

/** What the attempts and the ledger say of one day. */
export interface DayRecord extends DatasetDay {
  readonly attempts: number;
  /** The schedule tried it, whoever else did. */
  readonly isScheduled: boolean;
  /** The attempt with the greatest epoch; null where retention has taken the attempts of a loaded day. */
  readonly latest: {
    readonly state: AttemptState;
    readonly epoch: number;
    /** Null where the attempt did not come far enough to know. */
    readonly counts: { readonly [Name in keyof Counts]: number | null };
    readonly startedAt: string;
    readonly error: AttemptError | null;
  } | null;
  /** The version that readers see; null where there is none. */
  readonly published: {
    readonly loadId: string;
    readonly epoch: number;
    readonly counts: Counts;
    readonly startedAt: string;
    readonly committedAt: string;
  } | null;
}

/** At most so many days are read at once; the earlier ones are left out. */
export const MOST_DAYS = 20_000;

/** Every day of which an attempt or a published version is known, by dataset and date. */
export async function readDays(
  warehouse: DataSource,
  { dataset, from, to }: DayRange,
): Promise<{ readonly days: readonly DayRecord[]; readonly isCut: boolean }> {
  const rows = await warehouse.query<DayRecord[]>(
    `with attempted as (
       select dataset, business_date, count(*) as attempts, max(epoch) as epoch,
         bool_or(kind = 'nightly') as is_scheduled
       from nighttrain.attempt
       group by dataset, business_date
     ), day as (
       select dataset, business_date, t.attempts, t.is_scheduled, t.epoch, p.load_id
       from attempted t full join nighttrain.published_day p using (dataset, business_date)
       where ($1::text is null or dataset = $1)
         and ($2::date is null or business_date >= $2) and ($3::date is null or business_date <= $3)
     )
     select d.dataset, d.business_date as "businessDate", coalesce(d.attempts, 0) as attempts,
       coalesce(d.is_scheduled, false) as "isScheduled",
       case when a.epoch is not null then jsonb_build_object(
         'state', a.state, 'epoch', a.epoch, 'error', a.error, 'startedAt', ${utc('a.started_at')},
         'counts', ${counts('a')}) end as latest,
       case when b.load_id is not null then jsonb_build_object(
         'loadId', b.load_id, 'epoch', b.epoch, 'startedAt', ${utc('b.started_at')},
         'committedAt', ${utc('c.committed_at')}, 'counts', ${counts('b')}) end as published
     from day d
       left join nighttrain.attempt a
         on a.dataset = d.dataset and a.business_date = d.business_date and a.epoch = d.epoch
       left join nighttrain.load_batch b on b.load_id = d.load_id
       left join nighttrain.audit_chain c on c.load_id = d.load_id
     order by d.business_date desc, d.dataset
     limit ${MOST_DAYS + 1}`,
    [dataset, from, to],
  );
  const days = rows
    .slice(0, MOST_DAYS)
    .sort((a, b) => compare(a.dataset, b.dataset) || compare(a.businessDate, b.businessDate));
  return { days, isCut: rows.length > MOST_DAYS };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** An instant as ISO 8601 in UTC, milliseconds kept. */
function utc(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

function counts(table: string): string {
  return `jsonb_build_object('read', ${table}.rows_read, 'loaded', ${table}.rows_loaded,
    'rejected', ${table}.rows_rejected, 'discarded', ${table}.rows_discarded,
    'deduplicated', ${table}.rows_deduplicated)`;
}
