import type { Command } from 'commander';
import { listAlerts } from '../alerting/archive/list.ts';
import { redactor } from '../alerting/redact.ts';
import { withArchive } from './alert-engines.ts';
import { addAlertAck, addAlertResolve } from './alert-settle.ts';
import { addAlertShow } from './alert-show.ts';
import { addAlertTest } from './alert-test.ts';
import { count, shortened } from './figures.ts';
import { Output } from './output.ts';

export function addAlert(program: Command): void {
  const alert = program
    .command('alert')
    .description('what a person must know, who has seen it, and what came of it');
  alert
    .command('list')
    .description('alerts that are open, what nobody has acknowledged first')
    .option('--all', 'those that are resolved too, the latest first')
    .option('--json', 'one JSON document on stdout')
    .action(list);
  addAlertShow(alert);
  addAlertAck(alert);
  addAlertResolve(alert);
  addAlertTest(alert);
}

async function list({
  all = false,
  json = false,
}: {
  readonly all?: boolean;
  readonly json?: boolean;
}): Promise<void> {
  const output = new Output(json);
  await withArchive(async ({ warehouse }) => {
    const redact = redactor([]);
    const { alerts: found, inAll } = await listAlerts(warehouse, all ? 'all' : 'open');
    const alerts = found.map((alert) => ({
      ...alert,
      acknowledgedBy: redact(alert.acknowledgedBy ?? '') || null,
      resolvedBy: redact(alert.resolvedBy ?? '') || null,
    }));
    output.document({ alerts, inAll });
    if (alerts.length === 0) return output.line(all ? 'There was never an alert.' : 'No alert is open.');
    output.table(
      ['CODE', 'STATE', 'SEVERITY', 'RULE', 'NIGHT', 'LAST', 'TIMES', 'WHAT HAPPENED'],
      alerts.map(({ code, state, severity, rule, dataset, businessDate, lastAt, times, sentence }) => [
        code,
        state,
        severity,
        rule,
        [dataset, businessDate].filter(Boolean).join(' ') || null,
        lastAt,
        times,
        shortened(sentence, 100),
      ]),
    );
    if (inAll > alerts.length) output.line(`… and ${count(inAll - alerts.length)} more`);
    output.line();
    output.line(
      'All of one: npx nighttrain alert show <code>; you are on it: npx nighttrain alert ack <code>',
    );
  });
}
