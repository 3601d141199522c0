import { findDataset } from '../rules/find-dataset.ts';
import type { Command } from 'commander';
import type { BusinessDate } from '../rules/business-date.ts';
import { dayLabel } from '../rules/dataset-day.ts';
import type { AttemptRow } from '../warehouse/entities/attempt.ts';
import { countByRule, type RuleCount } from '../warehouse/quarantine-list.ts';
import { closedAttempt } from './closed-attempt.ts';
import { count, plural } from './figures.ts';
import { dateNamed, withInstallation } from './installation.ts';
import { Output } from './output.ts';
import { addQuarantineExport } from './quarantine-export.ts';
import { addQuarantineRelease } from './quarantine-release.ts';
import { addQuarantineReleases } from './quarantine-releases.ts';
import { addQuarantineShow } from './quarantine-show.ts';

export function addQuarantine(program: Command): void {
  const quarantine = program
    .command('quarantine')
    .description('the rejected rows of a day, as its latest closed attempt left them');
  quarantine
    .command('list')
    .argument('<dataset>')
    .argument('<date>', 'the business date', dateNamed)
    .description('how many rows broke which rule, and where the first of them are')
    .option('--json', 'one JSON document on stdout')
    .action(list);
  addQuarantineShow(quarantine);
  addQuarantineExport(quarantine);
  addQuarantineRelease(quarantine);
  addQuarantineReleases(quarantine);
}

async function list(
  name: string,
  businessDate: BusinessDate,
  options: { readonly json?: boolean },
): Promise<void> {
  const output = new Output(options.json ?? false);
  await withInstallation(async ({ datasets, warehouse }) => {
    const day = { dataset: findDataset(datasets, name).name, businessDate };
    const attempt = await closedAttempt(warehouse, day);
    const rules = withUnkept(await countByRule(warehouse, attempt), attempt);
    const rejected = attempt.rowsRejected ?? rules.reduce((sum, { rows }) => sum + rows, 0);
    const of = attempt.rowsRead === null ? '' : ` of ${count(attempt.rowsRead)} read`;
    output.line(`${dayLabel(day)}, ${attempt.state}: ${plural(rejected, 'row')} rejected${of}`);
    if (rules.length > 0) {
      output.line();
      output.table(
        ['rule', 'rows', 'column', 'reason', 'first at'],
        rules.map(({ rule, rows, column, reason, samples }) => [
          rule,
          rows,
          column,
          reason ?? 'none of its rows is in the table: quarantine show --rule',
          samples.map(placeOf).join(', '),
        ]),
      );
      output.line();
      output.line(`The rows: npx nighttrain quarantine show ${name} ${businessDate}`);
    }
    output.document({ ...day, state: attempt.state, epoch: attempt.epoch, rejected, rules });
  });
}

/** The table may hold fewer than there are, and none of a rule (R5); an attempt that did not come far enough has no tally. */
function withUnkept(kept: readonly RuleCount[], { rejectedByRule }: AttemptRow) {
  const isKept = new Set(kept.map(({ rule }) => rule));
  const unkept = Object.keys(rejectedByRule)
    .filter((rule) => !isKept.has(rule))
    .map((rule) => ({ rule, kept: 0, column: null, reason: null, samples: [] }));
  return [...kept, ...unkept]
    .map((rule) => ({ ...rule, rows: rejectedByRule[rule.rule] ?? rule.kept }))
    .sort((a, b) => b.rows - a.rows || (a.rule < b.rule ? -1 : 1));
}

function placeOf({ part, record, line }: { part: number; record: number; line: number | null }): string {
  const place = line === null ? `record ${record}` : `line ${line}`;
  return part === 1 ? place : `part ${part} ${place}`;
}
