import { randomUUID } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import type { Alarm } from '../alerting/alarm/alarm.ts';
import { openAlerts } from '../alerting/archive/list.ts';
import type { AlertRule } from '../rules/alert-rules.ts';
import type { AlertKey, Finding } from '../rules/alert.ts';
import type { BusinessDate } from '../rules/business-date.ts';
import type { Dataset } from '../rules/dataset.ts';
import { dayLabel, type DatasetDay } from '../rules/dataset-day.ts';
import { recordAuditRun, runAudits, type AuditedTable } from '../warehouse/audit.ts';
import { warehouseError } from '../warehouse/failure.ts';
import { foldedInto } from '../warehouse/fold.ts';
import { integrityAudits, lookTwice } from '../warehouse/integrity.ts';
import type { Problem } from '../warehouse/integrity-counts.ts';
import { findPublished } from '../warehouse/ledger.ts';
import { readWhereItLies } from '../warehouse/read-only.ts';
import { lastPublished } from '../warehouse/stale.ts';
import type { Deps } from './deps.ts';
import { inTurn } from './in-turn.ts';
import { runStep } from './step.ts';

/** What one audit came to. */
export interface AuditOutcome {
  readonly audit: string;
  readonly severity: 'warn' | 'error';
  /** Of the alerts that its findings raise. */
  readonly rule: AlertRule;
  /** Of the dataset and its last day; null where it looks at the whole installation. */
  readonly dataset: string | null;
  readonly businessDate: BusinessDate | null;
  readonly rowsFound: number;
  /** The first of them. */
  readonly sample: readonly unknown[];
}

const SAMPLE = 10;
/** Alerts of one audit: a ledger that is all wrong is told of, not paged for row by row. */
const MOST_ALERTS = 20;

/**
 * Runs every integrity audit, and each dataset's own audits on its last published day, read-only (R15, R16). Findings are
 * kept and raise alerts; alerts of audits that find nothing any more are resolved.
 * @throws what the audits of a dataset failed with, once all that could be found is kept
 */
export async function auditWarehouse({
  warehouse,
  datasets,
  alarm,
  log,
}: Pick<Deps, 'warehouse' | 'datasets' | 'alarm' | 'log'>): Promise<AuditOutcome[]> {
  const outcomes: AuditOutcome[] = [];
  const runId = randomUUID();
  for (const audit of await integrityAudits()) {
    const problems = await lookTwice(warehouse, audit);
    outcomes.push({
      audit: audit.name,
      severity: 'error',
      rule: audit.rule,
      dataset: null,
      businessDate: null,
      rowsFound: problems.length,
      sample: problems.slice(0, SAMPLE),
    });
    await tell(warehouse, alarm, audit.rule, audit.name, problems);
  }
  const audit = async (dataset: Dataset) =>
    void outcomes.push(...(await auditLastDay(warehouse, alarm, dataset)));
  try {
    await inTurn(datasets.values(), audit, log);
  } finally {
    await recordAuditRun(warehouse, runId, outcomes.map(recorded));
  }
  return outcomes;
}

function recorded({ dataset, businessDate, ...found }: AuditOutcome) {
  return { ...found, ...(dataset !== null && { dataset }), ...(businessDate !== null && { businessDate }) };
}

/** Raises what an integrity audit found, one alert a day, and resolves what it no longer finds. */
async function tell(
  warehouse: DataSource,
  alarm: Alarm,
  rule: AlertRule,
  audit: string,
  problems: readonly Problem[],
): Promise<void> {
  const found = new Map<string, Finding & { problems: string[] }>();
  for (const { dataset, businessDate, problem } of problems) {
    const key: AlertKey = { rule, dataset, businessDate, subject: audit };
    const name = nameOf(key);
    const known = found.get(name) ?? { ...key, sentence: '', problems: [] };
    known.problems.push(problem);
    found.set(name, known);
  }
  for (const { problems: all, ...key } of [...found.values()].slice(0, MOST_ALERTS)) {
    const where = [key.dataset, key.businessDate].filter(Boolean).join(' of ');
    const more = all.length > 1 ? `; and ${all.length - 1} more` : '';
    const sentence = `Audit ${audit}${where === '' ? '' : `, ${where}`}: ${all[0]}${more}`;
    await alarm.raise({
      ...key,
      sentence,
      facts: { number: `${all.length} found`, problems: all.slice(0, SAMPLE) },
    });
  }
  for (const open of await openAlerts(warehouse, rule, audit)) {
    if (!found.has(nameOf(open))) await alarm.resolve(open, 'The audit finds nothing any more');
  }
}

const nameOf = ({ dataset, businessDate }: AlertKey) => JSON.stringify([dataset, businessDate]);

/** The dataset's own audits, on the version of its last day that readers see. */
async function auditLastDay(warehouse: DataSource, alarm: Alarm, dataset: Dataset): Promise<AuditOutcome[]> {
  if (dataset.audits.length === 0) return [];
  const businessDate = await lastPublished(warehouse, dataset.name);
  const day = businessDate && { dataset: dataset.name, businessDate };
  if (!day) return [];
  const findings = await readWhereItLies(warehouse, async (tx) => {
    const table = await tableOf(tx, dataset, day);
    return table ? runAudits(tx, dataset, day, table, dataset.audits) : [];
  });
  const outcomes = findings.map((finding): AuditOutcome => {
    return { ...finding, ...day, rule: finding.severity === 'warn' ? 'audit-warned' : 'audit-failed' };
  });
  for (const { audit, rule, rowsFound } of outcomes) {
    const key = { rule, ...day, subject: audit };
    const sentence = `${dayLabel(day)} is loaded, and its audit ${audit} found ${rowsFound} rows`;
    if (rowsFound === 0) await alarm.resolve(key, 'The audit finds nothing any more');
    else await alarm.raise({ ...key, sentence, facts: { number: `${rowsFound} rows`, audit } });
  }
  return outcomes;
}

/** Where readers find a published day; undefined where it is no longer published. */
async function tableOf(
  tx: EntityManager,
  dataset: Dataset,
  day: DatasetDay,
): Promise<AuditedTable | undefined> {
  if (dataset.write === 'merge') return { name: dataset.table };
  const month = await foldedInto(tx, day);
  if (month !== undefined) return { name: month, hasOtherDays: true };
  const receipt = await findPublished(tx, day);
  return receipt && { name: receipt.tableName };
}

/** The nightly audits; payloads carry counts, never rows (§3). */
export const createAuditWarehouse = (deps: Deps) =>
  async function sweepAudits(): Promise<Readonly<Record<string, number>>> {
    return runStep(deps.log, async ({ log }) => {
      try {
        const outcomes = await auditWarehouse(deps);
        const found = outcomes.filter(({ rowsFound }) => rowsFound > 0);
        for (const { audit, dataset, businessDate, rowsFound } of found) {
          log.warn({ audit, dataset, businessDate, rowsFound }, 'an audit found something');
        }
        log.info({ audits: outcomes.length, found: found.length }, 'the nightly audits were run');
        return Object.fromEntries(found.map(({ audit, rowsFound }) => [audit, rowsFound]));
      } catch (error) {
        throw warehouseError(error, 'The nightly audits could not be finished');
      }
    });
  };
