import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { pino } from 'pino';
import { auditWarehouse, type AuditOutcome } from '../activities/audit-warehouse.ts';
import { alarmOf } from '../alerting/alarm/alarm.ts';
import { readOnCall } from '../alerting/paging/on-call.ts';
import { ALERT_RULES } from '../rules/alert-rules.ts';
import { withArchive } from './alert-engines.ts';
import { plural } from './figures.ts';
import { Output } from './output.ts';

interface AuditOptions {
  readonly failOn: 'warn' | 'error';
  readonly json?: boolean;
}

export function addAudit(program: Command): void {
  program
    .command('audit')
    .description('whether the warehouse is what its ledger says')
    .command('run')
    .description(
      'holds ledger, tables, history, guards and rights against each other, and runs every dataset’s audits on its last day; read-only',
    )
    .addOption(
      new Option(
        '--fail-on <severity>',
        'exit code 1 where an audit of this severity or worse finds something',
      )
        .choices(['warn', 'error'])
        .default('error'),
    )
    .option('--json', 'one JSON document on stdout')
    .action(auditRun);
}

async function auditRun({ failOn, json = false }: AuditOptions): Promise<void> {
  const output = new Output(json);
  await withArchive(async ({ config, datasets, warehouse }) => {
    const onCall = readOnCall(config.projectRoot, datasets.keys());
    const log = pino({ level: 'fatal', base: null }, pino.destination({ dest: 2, sync: true }));
    const alarm = alarmOf({
      warehouse,
      spoolFolder: join(config.home, 'spool'),
      // It works without Temporal: the sweep starts what is due, and an escalation looks before it pages.
      startEscalation: () => Promise.resolve(),
      alertChanged: () => Promise.resolve(),
      onCall: () => onCall,
      log,
    });
    const outcomes = await auditWarehouse({ warehouse, datasets, alarm, log });
    const found = outcomes.filter(({ rowsFound }) => rowsFound > 0);
    print(outcomes, output);
    const isBad = found.some(({ severity }) => failOn === 'warn' || severity === 'error');
    output.document({ passed: !isBad, audits: outcomes });
    if (isBad) process.exitCode = 1;
  });
}

function print(outcomes: readonly AuditOutcome[], output: Output): void {
  output.table(
    ['audit', 'of', 'severity', 'found'],
    outcomes.map(({ audit, dataset, businessDate, severity, rowsFound }) => [
      audit,
      dataset === null ? 'the installation' : `${dataset} ${businessDate}`,
      severity,
      rowsFound,
    ]),
  );
  const found = outcomes.filter(({ rowsFound }) => rowsFound > 0);
  for (const { audit, sample, rowsFound } of found) {
    output.line();
    output.line(`${audit}:`);
    for (const one of sample) output.line(`  ${lineOf(one)}`);
    if (rowsFound > sample.length) output.line(`  … and ${rowsFound - sample.length} more`);
  }
  output.line();
  if (found.length === 0) {
    output.line(`All ${outcomes.length} audits passed.`);
    return;
  }
  output.line(`${plural(found.length, 'audit')} of ${outcomes.length} found something. What to do:`);
  for (const runbook of new Set(found.map(({ rule }) => ALERT_RULES[rule].runbook)))
    output.line(`  npx nighttrain runbook show ${runbook}`);
}

/** A problem in words; a row that a dataset's audit found as it is. */
function lineOf(one: unknown): string {
  const { dataset, businessDate, problem } = one as Partial<
    Record<'dataset' | 'businessDate' | 'problem', string>
  >;
  if (problem === undefined) return JSON.stringify(one);
  return [[dataset, businessDate].filter(Boolean).join(' '), problem].filter(Boolean).join(': ');
}
