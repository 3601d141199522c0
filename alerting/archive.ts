import type { DataSource } from 'typeorm';
import type { BusinessDate } from '../rules/business-date.ts';
import { ALERT_RULES } from '../rules/alert-rules.ts';
import type { Finding } from '../rules/alert.ts';
import { toJsonb } from '../warehouse/storable.ts';

/**
 * Archives a finding; one that fires already is counted. One that was resolved fires again.
 * @returns whether it is news: nobody has been told of it yet
 */
export async function raise(warehouse: DataSource, finding: Finding): Promise<boolean> {
  const { rule, dataset, businessDate, subject = '', sentence, facts = {} } = finding;
  const [row] = await warehouse.query<{ news: boolean }[]>(
    `with before as (
       select state from nighttrain.alert
       where rule = $1 and dataset is not distinct from $3 and business_date is not distinct from $4::date and subject = $5
     )
     insert into nighttrain.alert as a (rule, severity, dataset, business_date, subject, sentence, facts)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (rule, dataset, business_date, subject) do update
       set times = a.times + 1, last_at = clock_timestamp(), sentence = excluded.sentence, facts = excluded.facts,
         severity = excluded.severity, resolved_at = null,
         state = case when a.state = 'resolved' then 'firing' else a.state end
     returning coalesce((select state = 'resolved' from before), true) as news`,
    [rule, ALERT_RULES[rule].severity, dataset, businessDate, subject, sentence, toJsonb(facts)],
  );
  return row?.news ?? false;
}

/** Resolves what a rule has found and no longer finds: all of its alerts but those of `still`. */
export async function resolveOthers(
  warehouse: DataSource,
  rule: string,
  still: readonly {
    readonly dataset: string | null;
    readonly businessDate: BusinessDate | null;
    readonly subject?: string;
  }[],
): Promise<void> {
  await warehouse.query(
    `update nighttrain.alert a set state = 'resolved', resolved_at = clock_timestamp()
     where rule = $1 and state <> 'resolved' and not exists (
       select from jsonb_to_recordset($2::jsonb) s(dataset text, "businessDate" date, subject text)
       where s.dataset is not distinct from a.dataset and s."businessDate" is not distinct from a.business_date
         and coalesce(s.subject, '') = a.subject
     )`,
    [rule, toJsonb(still)],
  );
}
