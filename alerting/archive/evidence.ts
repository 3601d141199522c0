import type { DataSource } from 'typeorm';
import type { BusinessDate } from '../../rules/business-date.ts';
import { storableText } from '../../warehouse/storable.ts';

/** What is known of the alert that a runbook is run for. */
export interface AlertOfRun {
  readonly alertId: string;
  readonly rule: string;
  readonly dataset: string | null;
  readonly businessDate: BusinessDate | null;
  readonly state: string;
}

/** The alert of a code, or undefined. */
export async function findAlert(warehouse: DataSource, code: number): Promise<AlertOfRun | undefined> {
  const [alert] = await warehouse.query<AlertOfRun[]>(
    `select alert_id as "alertId", rule, dataset, business_date as "businessDate", state
     from nighttrain.alert where code = $1`,
    [code],
  );
  return alert;
}

/** What was done, and what came of it. */
export interface Evidence {
  readonly runbook: string;
  readonly outcome: 'passed' | 'failed' | 'stopped';
  readonly by: string;
  readonly startedAt: Date;
  readonly transcript: string;
}

/** Keeps what was done about an alert: the transcript, and a line in the alert's history; without an alert by itself. */
export async function keepEvidence(
  warehouse: DataSource,
  code: number | undefined,
  { runbook, outcome, by, startedAt, transcript }: Evidence,
): Promise<void> {
  await warehouse.query(
    `with of_alert as (select alert_id, firing from nighttrain.alert where code = $1::bigint), kept as (
       insert into nighttrain.alert_evidence (alert_id, runbook, outcome, by_whom, started_at, ended_at, transcript)
       values ((select alert_id from of_alert), $2, $3, $4, $5, clock_timestamp(), $6)
     )
     insert into nighttrain.alert_event (alert_id, firing, kind, by_whom, via, note)
     select alert_id, firing, 'evidence', $4, 'runbook', format('runbook %s %s', $2::text, $3::text) from of_alert`,
    [code ?? null, runbook, outcome, storableText(by), startedAt, storableText(transcript)],
  );
}
