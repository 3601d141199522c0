import type { Logger } from 'pino';
import type { DataSource, EntityManager } from 'typeorm';
import { ALERT_RULES, RULES_OF_A_NIGHT, type AlertRule } from '../../rules/alert-rules.ts';
import type { Finding } from '../../rules/alert.ts';
import { describe } from '../../rules/errors.ts';
import type { OnCall } from '../../rules/on-call.ts';
import { archive, type Archived } from '../archive/archive.ts';
import { acknowledgeSeen } from '../archive/seen.ts';
import { inTime, LONGEST_ENGINE_MS } from '../in-time.ts';
import { resolveIfLoaded, resolveKey } from '../archive/over.ts';
import type { Spooled } from './spool.ts';

/** What alerts are raised with. */
export interface AlarmParts {
  readonly warehouse: DataSource;
  readonly spoolFolder: string;
  /** Starts the escalation of an alert, where none runs. */
  readonly startEscalation: (alertId: string) => Promise<void>;
  /** Tells an alert's escalation, where one runs, to look at the archive again. */
  readonly alertChanged: (alertId: string) => Promise<void>;
  readonly onCall: () => OnCall | undefined;
  readonly log: Logger;
}

/** As whom the house itself acts. */
export const BY = 'nighttrain';

/** What is known of a finding that has waited in the spool. */
interface Waiting {
  readonly foundAt: Date;
  readonly isOver: boolean;
  readonly seen: Spooled['seen'];
}

/** In one transaction that no frozen process holds open: it ends within seconds, whoever goes silent. */
export async function archiveOne(
  { warehouse, onCall }: AlarmParts,
  finding: Finding,
  { occurrence, waiting }: { readonly occurrence: string; readonly waiting?: Waiting },
): Promise<Archived | undefined> {
  const archiving = { occurrence, onCall: onCall(), ...(waiting && { foundAt: waiting.foundAt }) };
  return warehouse.transaction(async (tx) => {
    await tx.query(
      `select set_config('statement_timeout', '${LONGEST_ENGINE_MS}', true),
         set_config('idle_in_transaction_session_timeout', '${LONGEST_ENGINE_MS}', true)`,
    );
    const archived = await archive(tx, finding, archiving);
    if (!waiting) return archived;
    const over = await resolveIfOver(tx, finding, waiting.isOver);
    const seen = waiting.seen && (await acknowledgeSeen(tx, finding, waiting.seen));
    return archived && (over.length > 0 || seen) ? { ...archived, toPage: [] } : archived;
  });
}

/**
 * Of what has waited: nobody is paged any more for what is over by now. Whether a night is there is for the ledger to
 * say: who found it missing may have looked at a later one since.
 */
async function resolveIfOver(tx: EntityManager, finding: Finding, isOver: boolean): Promise<string[]> {
  const who = { by: BY, via: 'spool' };
  if (isOfANight(finding)) return resolveIfLoaded(tx, finding, { ...who, note: 'The day was loaded' });
  if (!isOver && !isOverByItself(finding)) return [];
  return resolveKey(tx, finding, { ...who, note: 'It was over when the spool was taken over' });
}

const isOfANight = ({ rule, dataset, businessDate }: Finding): boolean =>
  RULES_OF_A_NIGHT.includes(rule) && dataset !== null && businessDate !== null;

/**
 * That PostgreSQL, Temporal or every worker was down is over once a worker takes it in: nobody is paged for it any more.
 */
function isOverByItself({ rule, dataset, subject }: Finding): boolean {
  return dataset === null && subject === undefined && ENGINES_DOWN.includes(rule);
}

const ENGINES_DOWN: readonly AlertRule[] = ['warehouse-down', 'temporal-down', 'worker-down'];

/** Says an alert that is news, and has those paged whom it has paged. */
export async function announce(parts: AlarmParts, finding: Finding, archived: Archived): Promise<void> {
  if (!archived.isNews) return;
  say(parts.log, finding, archived);
  await start(parts, archived.toPage);
}

/** Starts escalations; one that cannot be started now stays due, and the sweep starts it. */
async function start({ startEscalation, log }: AlarmParts, alertIds: readonly string[]): Promise<void> {
  for (const alertId of alertIds) {
    try {
      await inTime(() => startEscalation(alertId));
    } catch (error) {
      log.error(
        { alertId, error: describe(error) },
        'an escalation could not be started; the sweep starts it once Temporal answers',
      );
    }
  }
}

function say(log: Logger, finding: Finding, { code, firing }: Archived): void {
  const level = ALERT_RULES[finding.rule].severity === 'warn' ? 'warn' : 'error';
  log[level]({ ...aboutOf(finding), code, firing }, finding.sentence);
}

export function aboutOf({ rule, dataset, businessDate, subject }: Finding) {
  return { rule, dataset, businessDate, ...(subject !== undefined && { subject }) };
}
