import { resolve } from 'node:path';
import { findRunbooks, readRunbook } from '../../alerting/runbook-files.ts';
import { parseRunbook } from '../../alerting/runbook.ts';
import { until } from '../support/intake.ts';
import type { Answer } from '../support/installation.ts';
import type { Incident, Trouble } from './incident.ts';
import type { Stage } from './stage.ts';

/** What came of an incident. Times in milliseconds. */
export interface Played {
  readonly runbook: string;
  /** From what went wrong to the alert in the archive; undefined where nothing tells of it by itself. */
  readonly alertMs: number | undefined;
  /** Commands of the Mitigation. */
  readonly commands: number;
  /** From typing the runbook to its Verification. */
  readonly recoverMs: number;
  /** What did not go as it must; none: it passed. */
  readonly faults: readonly string[];
}

const LONGEST_WAY_TO_ALERT_MS = 15_000;

/** Causes an incident, sees that its Verification fails, has it healed as far as others do that, follows the runbook. */
export async function play(stage: Stage, incident: Incident, date: string): Promise<Played> {
  const { runbook } = incident;
  const faults: string[] = [];
  const trouble = await incident.cause(stage, date);
  const values = ['--var', `dataset=${trouble.dataset}`, '--var', `date=${trouble.date}`];
  const before = await stage.type('runbook', 'run', runbook, '--verify', ...values);
  if (before.code === 0) faults.push(`its Verification passes while the incident lasts:\n${before.stdout}`);
  await incident.heal?.(stage, trouble);
  const alertMs = await alertOf(stage, trouble);
  if (trouble.alert !== undefined && alertMs === undefined) faults.push(`no alert ${trouble.alert} came`);
  const startedAt = performance.now();
  const run = await stage.type('runbook', 'run', runbook, '--yes', ...values);
  const recoverMs = performance.now() - startedAt;
  if (run.code !== 0) faults.push(`the runbook did not put it right: exit code ${run.code}\n${wordsOf(run)}`);
  return { runbook, alertMs, commands: await commandsOf(runbook), recoverMs, faults };
}

async function alertOf({ house }: Stage, { alert, dataset, date, at }: Trouble): Promise<number | undefined> {
  if (alert === undefined) return undefined;
  let firstAt: Date | undefined;
  const find = async () => {
    const [row] = await house.ask<{ at: Date }>(
      'select first_at as at from nighttrain.alert where rule = $1 and dataset = $2 and business_date = $3',
      [alert, dataset, date],
    );
    firstAt = row?.at;
    return firstAt !== undefined;
  };
  await until(find, LONGEST_WAY_TO_ALERT_MS).catch(() => undefined);
  return firstAt && firstAt.getTime() - at;
}

async function commandsOf(name: string): Promise<number> {
  const files = await findRunbooks(resolve('.'));
  const { steps } = parseRunbook(name, await readRunbook(files, name));
  return steps.filter(({ section }) => section === 'Mitigation').length;
}

const wordsOf = ({ stdout, stderr }: Answer): string => `${stdout}\n${stderr}`;
