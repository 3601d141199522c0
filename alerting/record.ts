import type { EntityManager } from 'typeorm';
import { ALERT_RULES } from '../rules/alert-rules.ts';
import type { AlertKey, Finding } from '../rules/alert.ts';
import { storableText, toJsonb } from '../warehouse/storable.ts';

/** The alert that a finding belongs to. */
export interface Recorded {
  readonly alertId: string;
  /** What acknowledges it. */
  readonly code: number;
  /** How often it went from resolved to firing; 1 at first. */
  readonly firing: number;
  /** It did not fire before: nobody has been told of it yet. */
  readonly isNews: boolean;
}

const LONGEST_SENTENCE = 1_000;
const LONGEST_FACTS = 16_384;

/** Counts the alert where it is there, and inserts it where it is not: a conflict would use up a code each time. */
export async function record(
  tx: EntityManager,
  finding: Finding,
  foundAt: Date | undefined,
): Promise<Recorded> {
  return (
    (await again(tx, finding)) ??
    (await insert(tx, finding, foundAt)) ??
    (await again(tx, finding)) ?? // somebody else has just inserted it
    Promise.reject(new Error(`the alert ${finding.rule} is neither there nor to be inserted`))
  );
}

async function again(tx: EntityManager, finding: Finding): Promise<Recorded | undefined> {
  const { where, values } = keyed(finding);
  const [row] = await tx.query<Recorded[]>(
    `with before as (select alert_id, state from nighttrain.alert where ${where} for update),
       after as (
         update nighttrain.alert a set times = a.times + 1, last_at = clock_timestamp(),
           severity = $5, runbook = $6, sentence = $7, facts = $8
         from before b where b.alert_id = a.alert_id
         returning a.alert_id, a.code, a.firing, b.state
       )
     select alert_id as "alertId", code, firing, state = 'resolved' as "isNews" from after`,
    [...values, ...wordsOf(finding)],
  );
  if (!row?.isNews) return row;
  const [fired] = await tx.query<Recorded[]>(
    `with fired as (
       update nighttrain.alert set state = 'firing', firing = firing + 1, paging = 'quiet', on_call = null,
         incident_id = null, acknowledged_at = null, acknowledged_by = null, acknowledged_via = null,
         acknowledged_note = null, resolved_at = null, resolved_by = null, resolved_why = null
       where alert_id = $1
       returning alert_id, code, firing
     )
     select alert_id as "alertId", code, firing, true as "isNews" from fired`,
    [row.alertId],
  );
  return fired;
}

async function insert(
  tx: EntityManager,
  finding: Finding,
  foundAt: Date | undefined,
): Promise<Recorded | undefined> {
  const { values } = keyed(finding);
  const [row] = await tx.query<Recorded[]>(
    `insert into nighttrain.alert
       (rule, dataset, business_date, subject, severity, runbook, sentence, facts, first_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, coalesce($9, clock_timestamp()))
     on conflict do nothing
     returning alert_id as "alertId", code, firing, true as "isNews"`,
    [...values, ...wordsOf(finding), foundAt ?? null],
  );
  return row;
}

/** What an alert is kept under, as a condition that the index can serve: it knows no `is not distinct from`. */
export function keyed({ rule, dataset, businessDate, subject = '' }: AlertKey) {
  const where = [
    'rule = $1',
    dataset === null ? '$2::text is null and dataset is null' : 'dataset = $2',
    businessDate === null ? '$3::date is null and business_date is null' : 'business_date = $3',
    'subject = $4',
  ].join(' and ');
  return { where, values: [rule, dataset, businessDate, subject] };
}

function wordsOf({ rule, sentence, facts = {} }: Finding): unknown[] {
  const { severity, runbook } = ALERT_RULES[rule];
  const all = toJsonb(facts);
  const kept = all.length > LONGEST_FACTS ? toJsonb({ number: facts['number'], tooLong: all.length }) : all;
  return [severity, runbook, storableSentence(sentence), kept];
}

function storableSentence(sentence: string): string {
  const short = sentence.length > LONGEST_SENTENCE ? `${sentence.slice(0, LONGEST_SENTENCE)}…` : sentence;
  return storableText(short);
}
