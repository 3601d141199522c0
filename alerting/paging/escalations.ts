import type { DataSource } from 'typeorm';
import type { AlertKey } from '../../rules/alert.ts';
import type { EscalationPlan, Turn } from '../../rules/escalation.ts';
import { askingFor } from '../../rules/on-call.ts';
import type { AlertFacts } from './deliveries.ts';

/** Which alerts are to be paged about, as the archive has it. */

type Begun = AlertFacts & { readonly firing: number };

/** Marks an alert's escalation as under way; undefined where nobody is to be paged, now or any more. */
export async function beginEscalation(
  warehouse: DataSource,
  alertId: string,
): Promise<EscalationPlan | undefined> {
  const [alert] = await warehouse.query<Begun[]>(
    `with begun as (
       update nighttrain.alert set paging = 'under way'
       where alert_id = $1 and paging in ('due', 'under way') and state = 'firing' and on_call is not null
       returning *
     )
     select firing, code, rule, severity, dataset, business_date as "businessDate", sentence, runbook, facts,
       on_call as "onCall" from begun`,
    [alertId],
  );
  if (!alert) {
    await closePaging(warehouse, alertId);
    return undefined;
  }
  const [latest] = await warehouse.query<Turn[]>(
    `select round, level from nighttrain.alert_delivery where alert_id = $1 and firing = $2
     order by round desc, level desc limit 1`,
    [alertId, alert.firing],
  );
  return planOf(alert, latest);
}

/** Of an alert that was acknowledged or resolved before anybody was paged. */
async function closePaging(warehouse: DataSource, alertId: string): Promise<void> {
  await warehouse.query(
    `update nighttrain.alert set paging = 'over' where alert_id = $1 and paging in ('due', 'under way')`,
    [alertId],
  );
}

function planOf(alert: Begun, latest: Turn | undefined): EscalationPlan {
  const { firing, code, rule, severity, dataset, businessDate, sentence, runbook } = alert;
  const { levels, rounds } = askingFor(alert.onCall, alert);
  return {
    firing,
    timeoutsMs: levels.map(({ timeoutMs }) => timeoutMs),
    rounds,
    from: latest ?? { round: 1, level: 1 },
    about: { code, rule, severity, dataset, businessDate, sentence, runbook },
  };
}

/** How asking about an alert ended. */
export interface EscalationEnding {
  readonly firing: number;
  /** Nobody has answered, and nobody is left to be asked. */
  readonly isExhausted: boolean;
  /** What could not be archived when it happened. */
  readonly unarchived: readonly string[];
}

/**
 * Marks an alert's paging as over. What was acknowledged in the last moment is not exhausted.
 * @returns whether it is exhausted, also where an earlier try has found it so
 */
export async function endEscalation(
  warehouse: DataSource,
  alertId: string,
  { firing, isExhausted, unarchived }: EscalationEnding,
): Promise<boolean> {
  return warehouse.transaction(async (tx) => {
    const ended = await tx.query<{ exhausted: boolean }[]>(
      `with ended as (
         update nighttrain.alert set paging = 'over'
         where alert_id = $1 and firing = $2 and paging = 'under way'
         returning state = 'firing' and $3 as exhausted
       )
       select exhausted from ended`,
      [alertId, firing, isExhausted],
    );
    if (ended.length > 0) {
      await tx.query(
        `update nighttrain.alert_delivery set state = 'failed', error = 'The escalation ended first', settled_at = clock_timestamp()
         where alert_id = $1 and firing = $2 and state = 'queued'`,
        [alertId, firing],
      );
      const events = [
        ...unarchived.map((note) => ({ kind: 'paged', note: `while the archive was away: ${note}` })),
        ...(ended[0]?.exhausted ? [{ kind: 'exhausted', note: 'nobody has answered' }] : []),
      ];
      await tx.query(
        `insert into nighttrain.alert_event (alert_id, firing, kind, by_whom, via, note)
         select $1, $2, kind, 'escalation', 'escalation', note from jsonb_to_recordset($3::jsonb) e(kind text, note text)`,
        [alertId, firing, JSON.stringify(events)],
      );
    }
    const exhausted = await tx.query<unknown[]>(
      `select from nighttrain.alert_event where alert_id = $1 and firing = $2 and kind = 'exhausted'`,
      [alertId, firing],
    );
    return exhausted.length > 0;
  });
}

/** An alert that somebody is to be paged about. */
export interface PagedAlert {
  readonly alertId: string;
  readonly paging: 'due' | 'under way';
}

/** Alerts that somebody is to be paged about, the oldest first. */
export async function pagedAlerts(warehouse: DataSource, most: number): Promise<readonly PagedAlert[]> {
  return warehouse.query(
    `select alert_id as "alertId", paging from nighttrain.alert where paging in ('due', 'under way')
     order by paging, last_at limit $1`,
    [most],
  );
}

/** Alerts that nobody had answered, and that somebody has answered since: that they were exhausted is over. */
export async function exhaustedAndAnswered(warehouse: DataSource): Promise<readonly AlertKey[]> {
  return warehouse.query(
    `select e.rule, e.dataset, e.business_date as "businessDate", e.subject
     from nighttrain.alert e join nighttrain.alert a on a.alert_id::text = e.subject
     where e.rule = 'escalation-exhausted' and e.state <> 'resolved' and a.state <> 'firing'`,
  );
}
