import type { EntityManager } from 'typeorm';
import { ALERT_RULES } from '../../rules/alert-rules.ts';
import { LONGEST_FACTS, type AlertKey, type Finding } from '../../rules/alert.ts';
import { storableText, toJsonb } from '../../warehouse/storable.ts';

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

/** Inserts the alert where it is not there, and counts it where it is. @param foundAt where it waited in the spool */
export async function record(
  tx: EntityManager,
  finding: Finding,
  foundAt: Date | undefined,
): Promise<Recorded> {
  const recorded = (await insert(tx, finding, foundAt)) ?? (await again(tx, finding, foundAt));
  if (!recorded) throw new Error(`the alert ${finding.rule} is neither there nor to be inserted`);
  return recorded;
}

async function again(
  tx: EntityManager,
  finding: Finding,
  foundAt: Date | undefined,
): Promise<Recorded | undefined> {
  const { where, values } = keyed(finding);
  const [row] = await tx.query<Recorded[]>(
    `with before as (select alert_id, state from nighttrain.alert where ${where} for update),
       after as (
         update nighttrain.alert a set times = a.times + 1,
           last_at = greatest(a.last_at, coalesce($9::timestamptz, clock_timestamp())),
           severity = $5, runbook = $6, sentence = $7, facts = $8
         from before b where b.alert_id = a.alert_id
         returning a.alert_id, a.code, a.firing, b.state
       )
     select alert_id as "alertId", code, firing, state = 'resolved' as "isNews" from after`,
    [...values, ...wordsOf(finding), foundAt ?? null],
  );
  if (!row?.isNews) return row;
  const [fired] = await tx.query<Recorded[]>(
    `with fired as (
       update nighttrain.alert set state = 'firing', firing = firing + 1, paging = 'quiet', on_call = null,
         incident_id = null, acknowledged_at = null, acknowledged_by = null, acknowledged_via = null,
         acknowledged_note = null, resolved_at = null, resolved_by = null, resolved_why = null
       where alert_id = $1
       returning alert_id, code, firing
     ),
     noted as (${noting('$2')})
     select alert_id as "alertId", code, firing, true as "isNews" from fired`,
    [row.alertId, viaOf(foundAt)],
  );
  return fired;
}

/** Undefined where it is there: asked first, for a conflict alone would use up a code each time. */
async function insert(
  tx: EntityManager,
  finding: Finding,
  foundAt: Date | undefined,
): Promise<Recorded | undefined> {
  const { where, values } = keyed(finding);
  const [row] = await tx.query<Recorded[]>(
    `with fired as (
       insert into nighttrain.alert
         (rule, dataset, business_date, subject, severity, runbook, sentence, facts, first_at, last_at)
       select $1, $2::text, $3::date, $4, $5, $6, $7, $8::jsonb, at, at
       from (select coalesce($9::timestamptz, clock_timestamp()) as at) found
       where not exists (select from nighttrain.alert where ${where})
       on conflict do nothing
       returning alert_id, code, firing
     ),
     noted as (${noting('$10')})
     select alert_id as "alertId", code, firing, true as "isNews" from fired`,
    [...values, ...wordsOf(finding), foundAt ?? null, viaOf(foundAt)],
  );
  return row;
}

/** Beside `fired`: its line in the alert's story. @param via the parameter that says where it came from */
const noting = (via: string) => `
  insert into nighttrain.alert_event (alert_id, firing, kind, by_whom, via)
  select alert_id, firing, 'fired', 'nighttrain', ${via}::text from fired`;

const viaOf = (foundAt: Date | undefined) => (foundAt ? 'spool' : 'archive');

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
