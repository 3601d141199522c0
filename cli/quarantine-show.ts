import { join } from 'node:path';
import type { Command } from 'commander';
import { allRejected } from '../activities/all-rejected.ts';
import { openLandingFolder } from '../intake/landing-folder.ts';
import type { BusinessDate } from '../rules/business-date.ts';
import { dayLabel } from '../rules/dataset-day.ts';
import { findDataset } from '../rules/find-dataset.ts';
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
  await withInstallation(async ({ datasets, warehouse, config }) => {
    const dataset = findDataset(datasets, name);
    const day = { dataset: dataset.name, businessDate };
    const attempt = await closedAttempt(warehouse, day);
    const { isMasked, mask } = maskOf(dataset, options.raw ?? false);
    const rejected = attempt.rowsRejected ?? (await countQuarantined(warehouse, attempt));
    const { rule, limit } = options;
    const sought = rule === undefined ? rejected : (attempt.rejectedByRule[rule] ?? 0);
    let found = await firstOf(readQuarantine(warehouse, attempt, { rule }), limit, rule);
    // The table holds the first of a night (R5): of a rule whose rows come late, few or none.
    if (found.length < Math.min(limit, sought)) {
      const landing = openLandingFolder(join(config.home, 'landing'));
      found = await firstOf(await allRejected(warehouse, landing, attempt), limit, rule);
    }
    const rows = found.slice(0, limit).map(mask);
    const isMore = found.length > limit;
    for (const row of rows) print(row, output);
    if (rows.length === 0)
      output.line(`${dayLabel(day)} has no rejected row${rule === undefined ? '' : ` under ${rule}`}`);
    if (isMasked && rows.length > 0) output.note(maskNote(dataset));
    if (isMore) {
      output.note(
        `The first ${plural(rows.length, 'row')} of ${count(rejected)} rejected; all of them: npx nighttrain quarantine export ${name} ${businessDate}`,
      );
    }
    output.document({ ...day, state: attempt.state, epoch: attempt.epoch, rejected, isMasked, isMore, rows });
  });
}

/** One more than so many, where there are. */
async function firstOf(
  rejected: AsyncIterable<Quarantined>,
  most: number,
  rule: string | undefined,
): Promise<Quarantined[]> {
  const found: Quarantined[] = [];
  for await (const row of rejected) {
    if (rule !== undefined && row.rule !== rule) continue;
    found.push(row);
    if (found.length > most) break;
  }
  return found;
}

function print({ part, record, line, column, rule, reason, raw }: Quarantined, output: Output): void {
  const place = `part ${part} record ${record}${line === null ? '' : ` line ${line}`}`;
  output.line(`${place}: ${rule}${column === null ? '' : `, column ${column}`} ${reason}`);
  output.line(`  ${shortened(raw, RAW_SHOWN)}`);
}
