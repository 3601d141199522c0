import type { DataSource, EntityManager } from 'typeorm';
import type { AlertRule } from '../rules/alert-rules.ts';
import { countVersions, traceMerged, type Problem } from './integrity-counts.ts';
import { readOnly } from './read-only.ts';
import { ownFolder, readSqlFiles } from './sql-files.ts';

/** A read-only check of the ledger, the tables and the guards; no problem means good. */
export interface IntegrityAudit {
  readonly name: string;
  /** Of the alert that it raises; every one of them is an error. */
  readonly rule: AlertRule & ('ledger-broken' | 'guard-missing');
  look(warehouse: DataSource): Promise<Problem[]>;
}

const RULES_OF_GUARDS: readonly string[] = ['guards-missing', 'rights-too-many'];

/** Every integrity audit: those of `audits/*.sql`, and those that count rows. */
export async function integrityAudits(): Promise<IntegrityAudit[]> {
  const files = await readSqlFiles(ownFolder('audits'));
  return [
    ...files.map(({ name, sql }): IntegrityAudit => ({
      name,
      rule: RULES_OF_GUARDS.includes(name) ? 'guard-missing' : 'ledger-broken',
      look: (warehouse) => readOnly(warehouse, (tx) => ask(tx, sql)),
    })),
    { name: 'rows-differ', rule: 'ledger-broken', look: countVersions },
    { name: 'rows-of-no-batch', rule: 'ledger-broken', look: traceMerged },
  ];
}

/** What the role of the worker may do that it must not (R15). */
export async function excessiveRights(warehouse: DataSource): Promise<Problem[]> {
  const audit = (await integrityAudits()).find(({ name }) => name === 'rights-too-many');
  if (!audit) throw new Error('audits/rights-too-many.sql is missing');
  return audit.look(warehouse);
}

/**
 * Looks, and where it finds something looks again: nights go on meanwhile, and what only one look saw was one of them in
 * its COMMIT.
 */
export async function lookTwice(warehouse: DataSource, audit: IntegrityAudit): Promise<Problem[]> {
  const first = await audit.look(warehouse);
  if (first.length === 0) return [];
  const nameOf = (problem: Problem) => JSON.stringify(problem);
  const seen = new Set(first.map(nameOf));
  return (await audit.look(warehouse)).filter((problem) => seen.has(nameOf(problem)));
}

/** Nobody reads more of them, and a ledger that is all wrong has as many as it has rows. */
const MOST_PROBLEMS = 1_000;

function ask(tx: EntityManager, sql: string): Promise<Problem[]> {
  return tx.query(
    `select dataset, business_date as "businessDate", problem from (${sql.trim()}) found
     order by 1 nulls last, 2 nulls last, 3 limit ${MOST_PROBLEMS}`,
  );
}
