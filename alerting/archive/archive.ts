import type { DataSource, EntityManager } from 'typeorm';
import { ALERT_RULES, type AlertRule } from '../../rules/alert-rules.ts';
import type { Finding } from '../../rules/alert.ts';
import { isPaged, type OnCall } from '../../rules/on-call.ts';
import { storableText, toJsonb } from '../../warehouse/storable.ts';
import { record, type Recorded } from './record.ts';
import { joinStorm } from './storm.ts';

/** How a finding is archived. */
export interface Archiving {
  /** Names this one occurrence, a UUID: what was archived under it already is not archived again. */
  readonly occurrence?: string | undefined;
  /** The people and levels of now, which the alert keeps; undefined where nobody is on call. */
  readonly onCall: OnCall | undefined;
  /** When it was found, where that was earlier: it waited in the spool. */
  readonly foundAt?: Date;
}

/** What became of a finding in the archive. */
export interface Archived extends Recorded {
  /** Alerts whose escalation is to be started: this one, or the storm that it began. */
  readonly toPage: readonly string[];
}

/**
 * Archives a finding in the transaction of the caller. One that fires already is counted; one that was resolved fires
 * again. Undefined where this occurrence is archived already.
 */
export async function archive(
  tx: EntityManager,
  finding: Finding,
  archiving: Archiving,
): Promise<Archived | undefined> {
  const { occurrence } = archiving;
  if (occurrence !== undefined && !(await isFirst(tx, occurrence))) return undefined;
  const { alertId, code, firing, isNews } = await record(tx, finding, archiving.foundAt);
  if (!isNews) return { alertId, code, firing, isNews, toPage: [] };
  const toPage = await pagesDue(tx, { alertId, rule: finding.rule }, archiving.onCall);
  return { alertId, code, firing, isNews, toPage };
}

/** Whom an alert that has just fired has paged: those on call, for itself or for the storm that it begins. */
async function pagesDue(
  tx: EntityManager,
  alert: { readonly alertId: string; readonly rule: AlertRule },
  onCall: OnCall | undefined,
): Promise<string[]> {
  const incident = await joinStorm(tx, alert, onCall);
  if (incident) return incident.isPaged ? [incident.alertId] : [];
  if (!isPaged(onCall, ALERT_RULES[alert.rule].severity)) return [];
  await tx.query(`update nighttrain.alert set paging = 'due', on_call = $2 where alert_id = $1`, [
    alert.alertId,
    toJsonb(onCall),
  ]);
  return [alert.alertId];
}

/** Whether nobody has archived this occurrence: who comes second waits for the first to commit, or to roll back. */
async function isFirst(tx: EntityManager, occurrence: string): Promise<boolean> {
  const rows = await tx.query<unknown[]>(
    `insert into nighttrain.alert_spooled (spool_id) values ($1) on conflict do nothing returning spool_id`,
    [occurrence],
  );
  return rows.length > 0;
}

export type Database = DataSource | EntityManager;

/** Which alert is meant. */
export type Which = { readonly alertId: string } | { readonly code: number };

/** Who did something about an alert, and how. */
export interface ByWhom {
  readonly by: string;
  readonly via: string;
  /** Why, or what else there is to say. */
  readonly note?: string;
}

/** What came of it; `alertId` where there is such an alert. */
export interface Settled {
  /** `already`: somebody acknowledged it before. */
  readonly outcome: 'acknowledged' | 'already' | 'resolved' | 'unknown';
  readonly alertId?: string;
  /** Whose word stands. */
  readonly by?: string;
  /** Alerts whose escalation has to look again. */
  readonly changed: readonly string[];
}

/**
 * Acknowledges an alert that fires: whoever is second is told who was first. Who acknowledges a storm has seen its
 * alerts, and they are acknowledged with it; so is the alert that nobody had answered, by whoever answers that. A test
 * is over once somebody has answered it. `resolved`: there is nothing left to acknowledge.
 */
export async function acknowledge(database: Database, which: Which, who: ByWhom): Promise<Settled> {
  const { by, via, note } = clean(who);
  const { where, value } = named(which);
  const rows = await database.query<{ alertId: string; isIt: boolean }[]>(
    `with it as (select alert_id, state, ${UNANSWERED} as unanswered from nighttrain.alert where ${where}),
       done as (
         update nighttrain.alert a set
           state = case when ${IS_TEST} then 'resolved' else 'acknowledged' end,
           acknowledged_at = clock_timestamp(), acknowledged_by = $2, acknowledged_via = $3, acknowledged_note = $4,
           resolved_at = case when ${IS_TEST} then clock_timestamp() end,
           resolved_by = case when ${IS_TEST} then $2 end,
           resolved_why = case when ${IS_TEST} then '${TEST_IS_ANSWERED}' end,
           ${PAGING_IS_OVER}
         from it
         where it.state = 'firing' and a.state = 'firing' and (
           it.alert_id in (a.alert_id, a.incident_id) or it.unanswered in (a.alert_id, a.incident_id)
         )
         returning a.alert_id, a.firing, a.paging, a.state
       ),
       noted as (
         insert into nighttrain.alert_event (alert_id, firing, kind, by_whom, via, note)
         select alert_id, firing, 'acknowledged', $2, $3, $4 from done
         union all
         select alert_id, firing, 'resolved', $2, $3, '${TEST_IS_ANSWERED}' from done where state = 'resolved'
       )
     select d.alert_id as "alertId", d.alert_id = it.alert_id as "isIt" from done d, it
     where d.alert_id = it.alert_id or d.paging = 'under way'`,
    [value, by, via, note],
  );
  const it = rows.find(({ isIt }) => isIt);
  if (!it) return standing(database, which);
  const changed = rows.map(({ alertId }) => alertId);
  return { outcome: 'acknowledged', alertId: it.alertId, by, changed };
}

/** What is called by its escalation alone: `subject` is the alert that nobody has answered. */
const UNANSWERED = `case when rule = '${'escalation-exhausted' satisfies AlertRule}'
  and subject ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then subject::uuid end`;

const IS_TEST = `a.rule = '${'test-page' satisfies AlertRule}'`;
const TEST_IS_ANSWERED = 'The test was answered';

/** Resolves an alert, whatever it was. The alerts of a storm stay: each is a matter of its own. */
export async function resolve(database: Database, which: Which, who: ByWhom): Promise<Settled> {
  const { where, value } = named(which);
  const changed = await resolveWhere(database, where, [value], who);
  const [alertId] = changed;
  return alertId === undefined
    ? standing(database, which)
    : { outcome: 'resolved', alertId, by: who.by, changed };
}

/** Escalations that are told at once; the others look at the archive before they page anybody. */
const MOST_TOLD = 100;

/** An escalation that nobody has started is not needed any more; one that is under way ends by itself. */
const PAGING_IS_OVER = `paging = case paging when 'due' then 'over' else paging end`;

/** Resolves what a condition on the alert `a` finds. */
export async function resolveWhere(
  database: Database,
  where: string,
  values: readonly unknown[],
  who: ByWhom,
): Promise<string[]> {
  const { by, via, note } = clean(who);
  const [byAt, viaAt, noteAt] = [1, 2, 3].map((more) => `$${values.length + more}::text`);
  const rows = await database.query<{ alertId: string }[]>(
    `with done as (
       update nighttrain.alert a set state = 'resolved', resolved_at = clock_timestamp(),
         resolved_by = ${byAt}, resolved_why = ${noteAt}, ${PAGING_IS_OVER}
       where a.state <> 'resolved' and (${where})
       returning a.alert_id, a.firing
     ),
     noted as (
       insert into nighttrain.alert_event (alert_id, firing, kind, by_whom, via, note)
       select alert_id, firing, 'resolved', ${byAt}, ${viaAt}, ${noteAt} from done
     )
     select alert_id as "alertId" from done limit ${MOST_TOLD}`,
    [...values, by, via, note],
  );
  return rows.map(({ alertId }) => alertId);
}

/** How the alert stands that was not changed. */
async function standing(database: Database, which: Which): Promise<Settled> {
  const { where, value } = named(which);
  const [row] = await database.query<{ alertId: string; state: string; by: string | null }[]>(
    `select alert_id as "alertId", state,
       case state when 'resolved' then resolved_by else acknowledged_by end as by
     from nighttrain.alert where ${where}`,
    [value],
  );
  if (!row) return { outcome: 'unknown', changed: [] };
  const { alertId, by } = row;
  return {
    outcome: row.state === 'resolved' ? 'resolved' : 'already',
    alertId,
    ...(by !== null && { by }),
    changed: [],
  };
}

function named(which: Which): { where: string; value: unknown } {
  return 'alertId' in which
    ? { where: 'alert_id = $1', value: which.alertId }
    : { where: 'code = $1', value: which.code };
}

const LONGEST_WORDS = 1_000;

function clean({ by, via, note = '' }: ByWhom): Required<ByWhom> {
  const short = (text: string) => storableText(text.slice(0, LONGEST_WORDS));
  return { by: short(by), via: short(via), note: short(note) };
}
