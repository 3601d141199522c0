import { findDataset } from '../rules/find-dataset.ts';
import type { Command } from 'commander';
import type { BusinessDate } from '../rules/business-date.ts';
import type { Dataset } from '../rules/dataset.ts';
import { MOST_DAYS, readDays, type DayRange, type DayRecord } from '../warehouse/status.ts';
import {
  dayKey,
  expectedDates,
  statusOf,
  statusOfNothing,
  waitingDays,
  type DayStatus,
} from './day-status.ts';
import { count, shortened } from './figures.ts';
import { dateNamed, withInstallation } from './installation.ts';
import { Output } from './output.ts';
import { rangeNamed } from './ranges.ts';

interface StatusOptions {
  readonly dataset?: string;
  readonly from?: BusinessDate;
  readonly to?: BusinessDate;
  readonly json?: boolean;
}

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('one line a dataset day: what the ledger says of it')
    .option('--dataset <name>', 'of one dataset')
    .option('--from <date>', 'from this business date on', dateNamed)
    .option('--to <date>', 'to this business date', dateNamed)
    .option('--json', 'one JSON document on stdout')
    .action(status);
}

async function status(options: StatusOptions): Promise<void> {
  const output = new Output(options.json ?? false);
  if (options.from && options.to) rangeNamed(options.from, options.to);
  await withInstallation(async ({ datasets, warehouse, client }) => {
    const range = rangeOf(datasets, options);
    const { days: records, isCut } = await readDays(warehouse, range);
    const waiting = await waitingDays(client);
    const days = [...datasets.values()]
      .filter(({ name }) => range.dataset === null || name === range.dataset)
      .flatMap((dataset) => daysOf(dataset, range, records, waiting));
    const undeclared = records.filter(({ dataset }) => !datasets.has(dataset));
    days.push(...undeclared.map((record) => statusOf(record, false)));
    if (isCut)
      output.note(`Only the latest ${count(MOST_DAYS)} days are shown; ask for others by --from and --to.`);
    print(days, output);
    output.document({ days });
  });
}

function rangeOf(datasets: ReadonlyMap<string, Dataset>, { dataset, from, to }: StatusOptions): DayRange {
  const range = {
    dataset: dataset === undefined ? null : findDataset(datasets, dataset).name,
    from: from ?? null,
    to: to ?? null,
  };
  return range;
}

/** Every day of a dataset that is known, waits or is missing, in order. */
function daysOf(
  dataset: Dataset,
  range: DayRange,
  records: readonly DayRecord[],
  waiting: ReadonlySet<string>,
): DayStatus[] {
  const own = records.filter((record) => record.dataset === dataset.name);
  const days = new Map(
    own.map((record) => [record.businessDate, statusOf(record, waiting.has(dayKey(record)))]),
  );
  for (const businessDate of expectedDates(dataset, range, own, new Date().toISOString())) {
    const day = { dataset: dataset.name, businessDate };
    if (!days.has(businessDate)) days.set(businessDate, statusOfNothing(day, waiting.has(dayKey(day))));
  }
  return [...days.values()].sort((a, b) => (a.businessDate < b.businessDate ? -1 : 1));
}

function print(days: readonly DayStatus[], output: Output): void {
  if (days.length === 0) {
    output.line('No day was ever loaded here. Load one: npx nighttrain run <dataset> --date YYYY-MM-DD');
    return;
  }
  output.table(
    [
      'dataset',
      'date',
      'state',
      'read',
      'loaded',
      'rejected',
      'discarded',
      'deduplicated',
      'attempts',
      'error',
    ],
    days.map((day) => [
      day.dataset,
      day.businessDate,
      day.state,
      day.rowsRead,
      day.rowsLoaded,
      day.rowsRejected,
      day.rowsDiscarded,
      day.rowsDeduplicated,
      day.attempts,
      day.error && shortened(day.error.message, 90),
    ]),
  );
}
