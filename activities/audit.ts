import type { EntityManager } from 'typeorm';
import type { AlertKey, Finding } from '../rules/alert.ts';
import type { Attempt, Receipt } from '../rules/attempt.ts';
import type { BusinessDate } from '../rules/business-date.ts';
import { dayLabel } from '../rules/dataset-day.ts';
import { AuditFailed } from '../rules/errors.ts';
import { recordFindings, runAudits, type AuditFinding } from '../warehouse/audit.ts';
import type { OpenedTable } from '../warehouse/day-table.ts';
import { warehouseError } from '../warehouse/failure.ts';
import type { Deps } from './deps.ts';
import type { LoadJob } from './fill-day.ts';
import { findDataset } from '../rules/find-dataset.ts';
import { runStep } from './step.ts';
import { addStepFields } from './step-lines.ts';

/**
 * Runs the `error` audits on the table that is not yet published.
 * @throws AuditFailed where one of them finds rows
 */
export async function blockOnAudits(tx: EntityManager, job: LoadJob, table: OpenedTable): Promise<void> {
  const { dataset, identity, warehouse, attempt } = job;
  const blocking = dataset.audits.filter(({ severity }) => severity === 'error');
  const findings = await runAudits(tx, dataset, identity, table, blocking);
  await recordFindings(warehouse, identity, attempt.epoch, findings);
  const failed = findings.filter(({ rowsFound }) => rowsFound > 0);
  if (failed.length === 0) return;
  throw new AuditFailed(`${dataset.name} of ${identity.businessDate} is refused by its audits`, {
    detail: failed.map(sentenceOf).join('; '),
    hint: `See what they found: npx nighttrain show ${dataset.name} ${identity.businessDate}`,
  });
}

/** Runs the `warn` audits on the published night; they stop nobody. */
export const createAuditNight = ({ datasets, warehouse, alarm, log }: Deps) =>
  async function auditNight(attempt: Attempt, receipt: Receipt): Promise<readonly AuditFinding[]> {
    return runStep(log, async ({ log: line }) => {
      addStepFields({ ...attempt, loadId: receipt.loadId });
      const dataset = findDataset(datasets, attempt.dataset);
      const warnings = dataset.audits.filter(({ severity }) => severity === 'warn');
      try {
        const table = { name: receipt.tableName };
        const findings = await runAudits(warehouse, dataset, attempt, table, warnings);
        await recordFindings(warehouse, attempt, attempt.epoch, findings);
        const { dataset: name, businessDate, epoch } = attempt;
        await alarm.resolve(
          { ...WARNED, dataset: name, businessDate, subject: 'not finished' },
          'They were run',
        );
        for (const finding of findings) {
          const { audit, rowsFound } = finding;
          line[rowsFound > 0 ? 'warn' : 'info'](
            { dataset: name, businessDate, epoch, audit, rowsFound },
            sentenceOf(finding),
          );
          const key = { ...WARNED, dataset: name, businessDate, subject: audit };
          if (rowsFound === 0) await alarm.resolve(key, 'The audit finds nothing any more');
          else
            await alarm.raise(warningOf(finding, key), `${name}/${businessDate}/${receipt.loadId}/${audit}`);
        }
        return findings.map((finding) => ({ ...finding, sample: [] })); // payloads carry counts, never rows (§3)
      } catch (error) {
        throw warehouseError(error, `The audits of ${attempt.dataset} of ${attempt.businessDate} failed`);
      }
    });
  };

const WARNED = { rule: 'audit-warned' } as const;

function warningOf(
  { audit, rowsFound }: AuditFinding,
  key: AlertKey & { readonly dataset: string; readonly businessDate: BusinessDate },
): Finding {
  const sentence = `${dayLabel(key)} is loaded, and its audit ${audit} found ${rowsFound} rows`;
  return { ...key, sentence, facts: { number: `${rowsFound} rows`, audit } };
}

function sentenceOf({ audit, rowsFound }: AuditFinding): string {
  return `audit ${audit} found ${rowsFound} rows`;
}
