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
