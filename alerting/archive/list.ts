import type { DataSource } from 'typeorm';
import type { AlertKey } from '../../rules/alert.ts';
import type { AlertRule, Severity } from '../../rules/alert-rules.ts';
import type { BusinessDate } from '../../rules/business-date.ts';

/** An alert in one line. Instants are ISO 8601 in UTC. */
export interface ListedAlert {
  readonly code: number;
  readonly rule: string;
  readonly severity: Severity;
  readonly dataset: string | null;
  readonly businessDate: BusinessDate | null;
  readonly subject: string;
  readonly state: 'firing' | 'acknowledged' | 'resolved';
  readonly sentence: string;
  readonly times: number;
  readonly firstAt: string;
  readonly lastAt: string;
  readonly acknowledgedBy: string | null;
  readonly resolvedBy: string | null;
  /** The code of the storm that it is part of. */
  readonly incident: number | null;
}

/** What the archive has of one alert. */
export interface AlertStory extends ListedAlert {
  readonly alertId: string;
  readonly runbook: string;
  readonly firing: number;
  readonly paging: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly resolvedWhy: string | null;
  readonly events: readonly {
    readonly at: string;
    readonly kind: string;
    readonly by: string;
    readonly via: string;
    readonly note: string;
  }[];
  readonly deliveries: readonly {
    readonly firing: number;
    readonly round: number;
    readonly level: number;
    readonly person: string;
    readonly channel: string;
    readonly address: string;
    readonly state: string;
    readonly tries: number;
    readonly error: string | null;
  }[];
  readonly evidence: readonly {
    readonly runbook: string;
    readonly outcome: string;
    readonly by: string;
    readonly endedAt: string;
    readonly transcript: string;
  }[];
}

/** Alerts that are listed at most; a storm may have ten thousand. */
const MOST_LISTED = 200;
const MOST_LINES = 500;

const iso = (column: string) => `to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;

const LISTED = `a.code, a.rule, a.severity, a.dataset, a.business_date as "businessDate", a.subject, a.state, a.sentence,
  a.times, ${iso('a.first_at')} as "firstAt", ${iso('a.last_at')} as "lastAt",
  a.acknowledged_by as "acknowledgedBy", a.resolved_by as "resolvedBy",
  (select code from nighttrain.alert i where i.alert_id = a.incident_id) as incident`;

/** Open alerts, what nobody has acknowledged and what is worst first; or the latest of all. Answers how many there are. */
export async function listAlerts(
  warehouse: DataSource,
  which: 'open' | 'all',
): Promise<{ readonly alerts: readonly ListedAlert[]; readonly inAll: number }> {
  const where = which === 'open' ? `a.state <> 'resolved'` : 'true';
  const order =
    which === 'open'
      ? `a.state = 'acknowledged', array_position(array['critical', 'error', 'warn'], a.severity), a.last_at desc`
      : 'a.last_at desc';
  const alerts = await warehouse.query<ListedAlert[]>(
    `select ${LISTED} from nighttrain.alert a where ${where} order by ${order}, a.code limit ${MOST_LISTED}`,
  );
  const [row] = await warehouse.query<{ inAll: number }[]>(
    `select count(*) as "inAll" from nighttrain.alert a where ${where}`,
  );
  return { alerts, inAll: row?.inAll ?? 0 };
}

/** What the open alerts of a rule about one subject are kept under. */
export function openAlerts(warehouse: DataSource, rule: AlertRule, subject: string): Promise<AlertKey[]> {
  return warehouse.query(
    `select rule, dataset, business_date as "businessDate", subject from nighttrain.alert
     where rule = $1 and subject = $2 and state <> 'resolved'`,
    [rule, subject],
  );
}

/** All that is known of an alert; undefined where no alert has this code. */
export async function readAlert(warehouse: DataSource, code: number): Promise<AlertStory | undefined> {
  const [alert] = await warehouse.query<Omit<AlertStory, 'events' | 'deliveries' | 'evidence'>[]>(
    `select ${LISTED}, a.alert_id as "alertId", a.runbook, a.firing, a.paging, a.facts, a.resolved_why as "resolvedWhy"
     from nighttrain.alert a where a.code = $1`,
    [code],
  );
  if (!alert) return undefined;
  const of = <Row>(sql: string) => warehouse.query<Row[]>(`${sql} limit ${MOST_LINES}`, [alert.alertId]);
  return {
    ...alert,
    events: await of(
      `select ${iso('at')} as at, kind, by_whom as by, via, note from nighttrain.alert_event
       where alert_id = $1 order by seq`,
    ),
    deliveries: await of(
      `select firing, round, level, person, channel, address, state, tries, error from nighttrain.alert_delivery
       where alert_id = $1 order by firing, round, level, queued_at`,
    ),
    evidence: await of(
      `select runbook, outcome, by_whom as by, ${iso('ended_at')} as "endedAt", transcript
       from nighttrain.alert_evidence where alert_id = $1 order by ended_at`,
    ),
  };
}
