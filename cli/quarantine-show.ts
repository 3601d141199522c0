import { findDataset } from '../rules/find-dataset.ts';
import type { Command } from 'commander';
import type { BusinessDate } from '../rules/business-date.ts';
import { dayLabel } from '../rules/dataset-day.ts';
import type { Quarantined } from '../warehouse/quarantine.ts';
import { countQuarantined, readQuarantine } from '../warehouse/quarantine-rows.ts';
import { count, plural, shortened } from './figures.ts';
import { dateNamed, withInstallation } from './installation.ts';
import { Output } from './output.ts';
import { limitNamed, MOST_SHOWN } from './quarantine-limit.ts';
import { closedAttempt } from './closed-attempt.ts';
import { maskNote, maskOf } from './quarantine-mask.ts';

interface ShowOptions {
  readonly rule?: string;
  readonly limit: number;
  readonly raw?: boolean;
  readonly json?: boolean;
}

const RAW_SHOWN = 160;

export function addQuarantineShow(quarantine: Command): void {
  quarantine
    .command('show')
    .argument('<dataset>')
    .argument('<date>', 'the business date', dateNamed)
    .description('rejected rows with their reasons and raw text')
    .option('--rule <rule>', 'only those that broke this rule')
    .option('--limit <n>', `at most so many rows, up to ${MOST_SHOWN}`, limitNamed, 20)
    .option('--raw', 'show the raw text also where the dataset has personal columns')
    .option('--json', 'one JSON document on stdout')
    .action(show);
}

async function show(name: string, businessDate: BusinessDate, options: ShowOptions): Promise<void> {
  const output = new Output(options.json ?? false);
  await withInstallation(async ({ datasets, warehouse }) => {
    const dataset = findDataset(datasets, name);
    const day = { dataset: dataset.name, businessDate };
    const attempt = await closedAttempt(warehouse, day);
    const { isMasked, mask } = maskOf(dataset, options.raw ?? false);
    const rows: Quarantined[] = [];
    let isMore = false;
    for await (const row of readQuarantine(warehouse, attempt, { rule: options.rule })) {
      isMore = rows.length === options.limit;
      if (isMore) break;
      rows.push(mask(row));
    }
    for (const row of rows) print(row, output);
    if (rows.length === 0)
      output.line(
        `${dayLabel(day)} has no rejected row${options.rule === undefined ? '' : ` under ${options.rule}`}`,
      );
    if (isMasked && rows.length > 0) output.note(maskNote(dataset));
    const rejected = attempt.rowsRejected ?? (await countQuarantined(warehouse, attempt));
    if (isMore) {
      output.note(
        `The first ${plural(rows.length, 'row')} of ${count(rejected)} rejected; all of them: npx nighttrain quarantine export ${name} ${businessDate}`,
      );
    }
    output.document({ ...day, state: attempt.state, epoch: attempt.epoch, rejected, isMasked, isMore, rows });
  });
}

function print({ part, record, line, column, rule, reason, raw }: Quarantined, output: Output): void {
  const place = `part ${part} record ${record}${line === null ? '' : ` line ${line}`}`;
  output.line(`${place}: ${rule}${column === null ? '' : `, column ${column}`} ${reason}`);
  output.line(`  ${shortened(raw, RAW_SHOWN)}`);
}
