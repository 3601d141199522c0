import { resolve } from 'node:path';
import { findRunbooks, readRunbook } from '../../alerting/runbook/runbook-files.ts';
import { parseRunbook, type Runbook } from '../../alerting/runbook/runbook.ts';
import { until } from '../support/intake.ts';
import type { Answer } from '../support/installation.ts';
import type { Incident, Trouble } from './incident.ts';
import type { Stage } from './stage.ts';

/** What came of an incident. Times in milliseconds. */
export interface Played {
  readonly runbook: string;
  /** From what went wrong to the SMS; undefined where nothing tells of it by itself before somebody looks. */
  readonly pageMs: number | undefined;
  /** Commands of the Mitigation. */
  readonly commands: number;
  /** From typing the runbook to its Verification. */
  readonly recoverMs: number;
  /** What did not go as it must; none: it passed. */
  readonly faults: readonly string[];
}

const LONGEST_WAY_TO_PAGE_MS = 15_000;
/** It believes what two looks have found, each of which may wait for an engine. */
const LONGEST_WAY_TO_WATCHDOGS_PAGE_MS = 30_000;

/** Causes an incident, sees that its Verification fails, has it healed as far as others do that, follows the runbook. */
export async function play(stage: Stage, incident: Incident, date: string): Promise<Played> {
  const { runbook } = incident;
  const faults: string[] = [];
  const trouble = await incident.cause(stage, date);
  const { steps } = await read(runbook);
  const asked = steps.flatMap(({ variables }) => variables);
  const values = (['dataset', 'date'] as const).flatMap((name) =>
    asked.includes(name) ? ['--var', `${name}=${trouble[name]}`] : [],
  );
  const watched = watchdogsPage(stage, trouble); // while it lasts: nobody else pages
  const before = await stage.type('runbook', 'run', runbook, '--verify', ...values);
  if (before.code === 0) faults.push(`its Verification passes while the incident lasts:\n${before.stdout}`);
  const watchedMs = await watched;
  await incident.heal?.(stage, trouble);
  const pageMs = watchedMs ?? (await pageOf(stage, trouble));
  const expected = trouble.watchdogSays ?? trouble.alert;
  if (expected !== undefined && pageMs === undefined) faults.push(`nobody was paged for: ${expected}`);
  const startedAt = performance.now();
  const run = await stage.type('runbook', 'run', runbook, '--yes', ...values);
  const recoverMs = performance.now() - startedAt;
  if (run.code !== 0) faults.push(`the runbook did not put it right: exit code ${run.code}\n${wordsOf(run)}`);
  return {
    runbook,
    pageMs,
    commands: steps.filter(({ section }) => section === 'Mitigation').length,
    recoverMs,
    faults,
  };
}

/** How long whoever is on call had to wait for the page, from what went wrong to the SMS at the provider. */
async function pageOf(stage: Stage, { alert, dataset, date, at }: Trouble): Promise<number | undefined> {
  if (alert === undefined) return undefined;
  let page: { readonly code: number; readonly at: Date } | undefined;
  const find = async () => {
    [page] = await stage.house.ask(
      `select a.code, d.sent_at as at from nighttrain.alert a join nighttrain.alert_delivery d using (alert_id)
       where a.rule = $1 and a.dataset = $2 and a.business_date = $3 and d.sent_at is not null order by 2 limit 1`,
      [alert, dataset, date],
    );
    return page !== undefined;
  };
  await until(find, LONGEST_WAY_TO_PAGE_MS).catch(() => undefined);
  return page && stage.hasSms(`alert ack ${page.code}`) ? page.at.getTime() - at : undefined;
}

/** The same of a page that the watchdog sends by itself. */
async function watchdogsPage(stage: Stage, { watchdogSays, at }: Trouble): Promise<number | undefined> {
  if (watchdogSays === undefined) return undefined;
  const isThere = () => stage.hasSms(watchdogSays) && stage.hasSms('npx nighttrain watchdog ack');
  await until(isThere, LONGEST_WAY_TO_WATCHDOGS_PAGE_MS).catch(() => undefined);
  return isThere() ? Date.now() - at : undefined;
}

async function read(name: string): Promise<Runbook> {
  return parseRunbook(name, await readRunbook(await findRunbooks(resolve('.')), name));
}

const wordsOf = ({ stdout, stderr }: Answer): string => `${stdout}\n${stderr}`;
