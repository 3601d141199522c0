import { RULES_OF_A_NIGHT, type AlertRule } from '../../rules/alert-rules.ts';
import type { AlertKey } from '../../rules/alert.ts';
import type { DatasetDay } from '../../rules/dataset-day.ts';
import { toJsonb } from '../../warehouse/storable.ts';
import { resolveWhere, type ByWhom, type Database } from './archive.ts';
import { keyed } from './record.ts';
import { WINDOW_MINUTES } from './storm.ts';

/** Each of these answers alerts that were open, a hundred at most: their escalations have to look again. */

/** Resolves one alert by what it is kept under. */
export function resolveKey(database: Database, key: AlertKey, who: ByWhom): Promise<string[]> {
  const { where, values } = keyed(key);
  return resolveWhere(database, where, values, who);
}

/** Resolves all alerts of a rule but `still`. */
export function resolveOthers(
  database: Database,
  rule: AlertRule,
  still: readonly AlertKey[],
  who: ByWhom,
): Promise<string[]> {
  return resolveWhere(
    database,
    `a.rule = $1 and not exists (
       select from jsonb_to_recordset($2::jsonb) s(dataset text, "businessDate" date, subject text)
       where s.dataset is not distinct from a.dataset and s."businessDate" is not distinct from a.business_date
         and coalesce(s.subject, '') = a.subject
     )`,
    [rule, toJsonb(still)],
    who,
  );
}

/** Resolves what the failures of a day had raised. */
export function resolveNight(
  database: Database,
  { dataset, businessDate }: DatasetDay,
  who: ByWhom,
): Promise<string[]> {
  const where = 'a.dataset = $1 and a.business_date = $2 and a.rule = any ($3)';
  return resolveWhere(database, where, [dataset, businessDate, RULES_OF_A_NIGHT], who);
}

/** The day was loaded after anything went wrong with it. A night that was missing is there, whenever it came. */
const loadedSince = (rules: string) => `a.rule = any (${rules}) and exists (
  select from nighttrain.published_day p join nighttrain.audit_chain c using (load_id)
  where p.dataset = a.dataset and p.business_date = a.business_date
    and (c.committed_at > a.last_at or a.rule = 'night-missing')
)`;

/** Resolves one alert where it is of a night that was loaded since. */
export function resolveIfLoaded(database: Database, key: AlertKey, who: ByWhom): Promise<string[]> {
  const { where, values } = keyed(key);
  const isLoaded = loadedSince(`$${values.length + 1}`);
  return resolveWhere(database, `${where} and ${isLoaded}`, [...values, RULES_OF_A_NIGHT], who);
}

/**
 * Resolves the alerts of days that were loaded after anything went wrong with them, and storms that are over. A night
 * stays missing until it is there, also once no schedule owes it any more: a person may resolve it.
 */
export async function resolveWhatIsOver(database: Database, who: ByWhom): Promise<string[]> {
  const loaded = await resolveWhere(database, loadedSince('$1'), [RULES_OF_A_NIGHT], {
    ...who,
    note: 'The day was loaded',
  });
  const storms = await resolveWhere(
    database,
    `a.rule = 'alert-storm' and a.last_at < clock_timestamp() - make_interval(mins => ${WINDOW_MINUTES})
     and not exists (
       select from nighttrain.alert m where m.incident_id = a.alert_id and m.state <> 'resolved'
     )`,
    [],
    { ...who, note: 'All of its alerts are resolved' },
  );
  return [...loaded, ...storms];
}
