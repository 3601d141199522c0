import type { DataSource } from 'typeorm';
import type { DatasetDay } from '../rules/dataset-day.ts';

/**
 * Whether a landing folder is still wanted: its attempt ended less than `days` ago, or the day is being loaded now,
 * perhaps from what landed long before (R10), or a release has read it whose attempt ended less than `days` ago. One
 * that no attempt knows is not.
 */
export async function isLandingWanted(
  warehouse: DataSource,
  { dataset, businessDate }: DatasetDay,
  epoch: number,
  days: number,
): Promise<boolean> {
  const [row] = await warehouse.query<{ wanted: boolean }[]>(
    `select exists (
       select from nighttrain.attempt a
       where dataset = $1 and business_date = $2
         and (state = 'running' or ended_at > clock_timestamp() - make_interval(days => $4) and (
           epoch = $3 or exists (
             select from nighttrain.quarantine_release r
             where (r.dataset, r.business_date, r.epoch) = (a.dataset, a.business_date, a.epoch)
               and $3 = any(r.landed_epochs))))
     ) as wanted`,
    [dataset, businessDate, epoch, days],
  );
  return row?.wanted ?? false;
}

/** Drops replaced versions past their time, at most `most`; answers how many. */
export async function expireHistory(warehouse: DataSource, most: number): Promise<number> {
  const [row] = await warehouse.query<{ dropped: number }[]>(
    'select nighttrain.expire_history($1) as dropped',
    [most],
  );
  return row?.dropped ?? 0;
}

/** What was taken once so long ago comes no more: no step is tried, no spool, link or callback waits for that long. */
const TAKEN_DAYS = 30;

/** Forgets which findings, callbacks and links were taken; the alerts stay. */
export async function forgetTaken(warehouse: DataSource): Promise<void> {
  await warehouse.query('select nighttrain.forget_taken($1)', [TAKEN_DAYS]);
}

/** How long records are kept, days, as `nighttrain.expire_records` enforces it at least; the ledger and its chain stay (R16, R19). */
const KEPT_DAYS = {
  quarantine: 90,
  quarantine_release_row: 400,
  quarantine_release: 400,
  attempt: 400,
  alert: 400,
  alert_evidence: 400,
  request: 400,
  audit_result: 400,
  guard_event: 400,
  fold_day: 400,
  fold: 400,
} as const;

export type RecordKind = keyof typeof KEPT_DAYS;

/** One kind of record and its time. */
export interface Keeping {
  readonly kind: RecordKind;
  readonly days: number;
}

/**
 * Every kind in the order in which they may go: rows before what they are of.
 * @param landingDays the longest that any dataset's landing is kept: attempts say which of it is wanted
 */
export function keepings(landingDays: number): Keeping[] {
  return Object.entries(KEPT_DAYS).map(([kind, days]) => ({
    kind: kind as RecordKind,
    days: kind === 'attempt' ? Math.max(days, landingDays) : days,
  }));
}

/** Rows that one statement removes at most: it holds nobody up for long. */
const RECORDS_AT_ONCE = 10_000;

/** Removes the records of a kind whose time is over; answers how many. @param dryRun only count them */
export async function expireRecords(
  warehouse: DataSource,
  { kind, days }: Keeping,
  { dryRun }: { readonly dryRun: boolean },
): Promise<number> {
  let gone = 0;
  for (;;) {
    const [row] = await warehouse.query<{ rows: number }[]>(
      'select nighttrain.expire_records($1, $2, $3, $4) as rows',
      [kind, days, RECORDS_AT_ONCE, !dryRun],
    );
    const rows = row?.rows ?? 0;
    gone += rows;
    if (dryRun || rows < RECORDS_AT_ONCE) return gone;
  }
}

/** How many replaced versions `expireHistory` would drop. */
export async function countExpiredHistory(warehouse: DataSource): Promise<number> {
  const [row] = await warehouse.query<{ versions: number }[]>(
    'select count(*) as versions from nighttrain.expired_versions()',
  );
  return row?.versions ?? 0;
}
