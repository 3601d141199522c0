import type { DataSource } from 'typeorm';
import type { BusinessDate } from '../rules/business-date.ts';
import { WarehouseRejected } from '../rules/errors.ts';

/**
 * Looks whether every day of a month is there to be folded. The nightly audits raise an alert about one that is not; here it
 * must not pass for one that somebody has just replayed. Ledger and catalog are asked as of one moment.
 * @param month its first day
 * @throws WarehouseRejected naming the days whose table is gone
 */
export async function checkNoDayIsLost(
  warehouse: DataSource,
  dataset: string,
  month: BusinessDate,
): Promise<void> {
  const lost = await warehouse.query<{ businessDate: BusinessDate; table: string }[]>(
    `select p.business_date as "businessDate", part.name as "table"
     from nighttrain.published_day p
       join nighttrain.load_batch b using (load_id)
       cross join lateral (select coalesce(p.folded_into, b.table_name)) as part(name)
     where p.dataset = $1 and p.business_date >= $2 and p.business_date < $2::date + interval '1 month'
       and not exists (
         select from pg_class c where c.relname = part.name and c.relnamespace = 'warehouse'::regnamespace)
     order by 1`,
    [dataset, month],
  );
  const [first] = lost;
  if (!first) return;
  const days = lost.map(({ businessDate }) => businessDate).join(', ');
  throw new WarehouseRejected(
    `${month.slice(0, 7)} of ${dataset} cannot be folded: of ${days} the table is gone`,
    {
      detail: [...new Set(lost.map(({ table }) => `warehouse.${table}`))].join(', '),
      hint:
        `Find out who dropped it: npx nighttrain runbook show restore-from-backup. Each day comes back by a replay: ` +
        `npx nighttrain replay ${dataset} ${first.businessDate} --input landing --reason "its table is gone"`,
    },
  );
}
