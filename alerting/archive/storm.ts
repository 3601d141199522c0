import type { EntityManager } from 'typeorm';
import { ALERT_RULES, type AlertRule } from '../../rules/alert-rules.ts';
import { isPaged, type OnCall } from '../../rules/on-call.ts';
import { toJsonb } from '../../warehouse/storable.ts';
import { describeIncident } from './storm-words.ts';

/** More alerts than this in one window are a storm: one incident with one page. */
export const MOST_ALERTS = 10;
export const WINDOW_MINUTES = 5;

/** Whoever asked for these waits for the page itself, or nobody answered the incident's. */
const ALWAYS_ALONE: readonly AlertRule[] = ['alert-storm', 'escalation-exhausted', 'test-page'];

/** The incident that an alert has become part of. */
export interface Incident {
  readonly alertId: string;
  /** This alert has made it one, and somebody is to be paged. */
  readonly isPaged: boolean;
}

/**
 * Makes an alert that has just fired part of a storm where there is one. Decided one alert at a time: until the
 * transaction ends nobody else counts. An alert of a severity that is quiet pages nobody, and is no part of anything.
 */
export async function joinStorm(
  tx: EntityManager,
  alert: { readonly alertId: string; readonly rule: AlertRule },
  onCall: OnCall | undefined,
): Promise<Incident | undefined> {
  if (ALWAYS_ALONE.includes(alert.rule)) return undefined;
  const quiet = onCall?.quiet ?? [];
  if (quiet.includes(ALERT_RULES[alert.rule].severity)) return undefined;
  await tx.query(`select pg_advisory_xact_lock(hashtext('nighttrain.alert-storm'))`);
  if ((await firedOfLate(tx, quiet)) <= MOST_ALERTS) return undefined;
  return (await joinCurrent(tx, alert.alertId)) ?? (await openIncident(tx, onCall));
}

/**
 * Of the alert `a`: it is a trouble of now. What a person has put right is over, and so is what an incident that was
 * resolved had told. What the house resolved by itself still counts: somebody was paged for each.
 */
const IS_TROUBLE = `not (a.state = 'resolved' and a.resolved_by <> 'nighttrain') and not exists (
  select from nighttrain.alert i where i.alert_id = a.incident_id and i.state = 'resolved'
)`;

/** Counted no further than it matters. */
async function firedOfLate(tx: EntityManager, quiet: readonly string[]): Promise<number> {
  const [row] = await tx.query<{ fired: number }[]>(
    `select count(*) as fired from (
       select from nighttrain.alert_event e join nighttrain.alert a using (alert_id)
       where e.kind = 'fired' and e.at > clock_timestamp() - make_interval(mins => ${WINDOW_MINUTES})
         and a.severity <> all ($1) and a.rule <> all ($2) and ${IS_TROUBLE}
       limit ${MOST_ALERTS + 1}
     ) late`,
    [quiet, ALWAYS_ALONE],
  );
  return row?.fired ?? 0;
}

/**
 * Joins the incident that has grown within the window. One that grew calm is over, and one that somebody has answered
 * says nothing of what came later: the next is news.
 */
async function joinCurrent(tx: EntityManager, alertId: string): Promise<Incident | undefined> {
  const [found] = await tx.query<(Incident & { readonly times: number })[]>(
    `with grown as (
       update nighttrain.alert set times = times + 1, last_at = clock_timestamp()
       where state = 'firing' and alert_id = (
         select alert_id from nighttrain.alert
         where rule = 'alert-storm' and state = 'firing'
           and last_at > clock_timestamp() - make_interval(mins => ${WINDOW_MINUTES})
         order by last_at desc limit 1
       )
       returning alert_id, times
     ),
     joined as (update nighttrain.alert a set incident_id = g.alert_id from grown g where a.alert_id = $1)
     select alert_id as "alertId", false as "isPaged", times from grown`,
    [alertId],
  );
  if (found) await describeIncident(tx, found.alertId, found.times);
  return found;
}

async function openIncident(tx: EntityManager, onCall: OnCall | undefined): Promise<Incident> {
  const { severity, runbook } = ALERT_RULES['alert-storm'];
  const paged = isPaged(onCall, severity);
  const [row] = await tx.query<Incident[]>(
    `insert into nighttrain.alert (rule, severity, runbook, subject, sentence, paging, on_call)
     values ('alert-storm', $1, $2, to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       '', $3, $4)
     returning alert_id as "alertId", paging = 'due' as "isPaged"`,
    [severity, runbook, paged ? 'due' : 'quiet', paged ? toJsonb(onCall) : null],
  );
  if (!row) throw new Error('the incident was not archived');
  // Those that made it a storm are part of it too: its page takes the place of theirs. What was answered stays as it is.
  const [grown] = await tx.query<{ times: number }[]>(
    `with joined as (
       update nighttrain.alert a set incident_id = $1,
         paging = case when $4 and a.paging in ('due', 'under way') then 'over' else a.paging end
       from nighttrain.alert_event e
       where e.alert_id = a.alert_id and e.kind = 'fired' and a.state = 'firing' and a.rule <> all ($2)
         and a.severity <> all ($3) and ${IS_TROUBLE}
         and e.at > clock_timestamp() - make_interval(mins => ${WINDOW_MINUTES})
       returning a.alert_id
     )
     update nighttrain.alert set times = (select count(*) from joined) where alert_id = $1 returning times`,
    [row.alertId, ALWAYS_ALONE, onCall?.quiet ?? [], paged],
  );
  await tx.query(
    `insert into nighttrain.alert_event (alert_id, firing, kind, by_whom, via) values ($1, 1, 'fired', 'nighttrain', 'storm')`,
    [row.alertId],
  );
  await describeIncident(tx, row.alertId, grown?.times ?? 0);
  return row;
}
