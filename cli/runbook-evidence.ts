import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { findAlert, keepEvidence, type AlertOfRun, type Evidence } from '../alerting/archive/evidence.ts';
import type { Runbook } from '../alerting/runbook/runbook.ts';
import { ConfigurationError, describe } from '../rules/errors.ts';
import type { Config } from '../worker/config.ts';
import { noSuchAlert } from './alert-engines.ts';
import { findDatabases } from './databases.ts';
import { openCommandWarehouse } from './installation.ts';
import type { Output } from './output.ts';

/**
 * The alert of a code; undefined, and said, where PostgreSQL is down: that is what some runbooks are for.
 * @throws NothingThere where there is no such alert
 */
export async function alertOfRun(
  code: number,
  { name, rules }: Runbook,
  output: Output,
): Promise<AlertOfRun | undefined> {
  let alert: AlertOfRun | undefined;
  try {
    alert = await withWarehouse((warehouse) => findAlert(warehouse, code));
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    output.note(
      `Alert ${code} cannot be looked up now, so its dataset and date must be given by --var.\n${describe(error)}`,
    );
    return undefined;
  }
  if (!alert) throw noSuchAlert(code);
  if (!rules.some((rule) => rule === alert.rule))
    output.note(`Alert ${code} is of the rule ${alert.rule}, for which ${name} was not written.`);
  if (alert.state === 'resolved') output.note(`Alert ${code} is resolved already.`);
  return alert;
}

/** Keeps the transcript on the alert; in a file of the home where PostgreSQL does not take it. */
export async function keepTranscript(
  { home }: Config,
  code: number | undefined,
  evidence: Evidence,
  output: Output,
): Promise<void> {
  try {
    await withWarehouse((warehouse) => keepEvidence(warehouse, code, evidence));
    output.note(`The transcript is kept as evidence${code === undefined ? '' : ` on alert ${code}`}.`);
  } catch (error) {
    const folder = join(home, 'evidence');
    const time = evidence.startedAt.toISOString().replaceAll(/[:.]/g, '-');
    const file = join(folder, `${time}-${evidence.runbook}.txt`);
    await mkdir(folder, { recursive: true });
    await writeFile(file, `${evidence.by}, ${evidence.outcome}\n${evidence.transcript}\n`, { mode: 0o600 });
    output.note(`The transcript could not be kept on the alert; it is in ${file}\n${describe(error)}`);
  }
}

async function withWarehouse<T>(work: (warehouse: DataSource) => Promise<T>): Promise<T> {
  const warehouse = await openCommandWarehouse(await findDatabases());
  try {
    return await work(warehouse);
  } finally {
    await warehouse.destroy();
  }
}
