import { findDataset } from '../rules/find-dataset.ts';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { DataSource } from 'typeorm';
import type { AttemptKind } from '../rules/attempt.ts';
import type { BusinessDate } from '../rules/business-date.ts';
import type { Dataset } from '../rules/dataset.ts';
import { readDays } from '../warehouse/status.ts';
import { statusOf, statusOfNothing, type DayStatus } from './day-status.ts';
import { loadDays, type DayToLoad } from './load-days.ts';
import { count, plural, some } from './figures.ts';
import { goOnUnless } from './follow.ts';
import { dateNamed, withInstallation } from './installation.ts';
import { Output } from './output.ts';
import { requireWorker } from './pollers.ts';
import { datesOf, rangeNamed } from './ranges.ts';
import { StopRequest } from './signals.ts';

type Only = 'missing' | 'unsuccessful' | 'all';

interface BackfillOptions {
  readonly from: BusinessDate;
  readonly to: BusinessDate;
  readonly concurrency: number;
  readonly only: Only;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const MOST_AT_ONCE = 32;
const INTERRUPTED = 130;

export function addBackfill(program: Command): void {
  program
    .command('backfill <dataset>')
    .description('loads a range of days; exit code 1 while some day of it is not loaded')
    .requiredOption('--from <date>', 'the first business date', dateNamed)
    .requiredOption('--to <date>', 'the last business date', dateNamed)
    .option('--concurrency <n>', `days at once, from 1 to ${MOST_AT_ONCE}`, concurrencyNamed, 4)
    .addOption(
      new Option(
        '--only <which>',
        'days without an attempt; also those whose last attempt did not load; all, replaying loaded ones',
      )
        .choices(['missing', 'unsuccessful', 'all'])
        .default('missing'),
    )
    .option('--dry-run', 'only say which days would be loaded')
    .option('--json', 'one JSON document on stdout')
    .action(backfill);
}

function concurrencyNamed(text: string): number {
  const number = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= MOST_AT_ONCE) return number;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${MOST_AT_ONCE}.`);
}

async function backfill(name: string, options: BackfillOptions): Promise<void> {
  const output = new Output(options.json ?? false);
  const days = rangeNamed(options.from, options.to);
  using stop = StopRequest.listen();
  await withInstallation(async ({ datasets, client, warehouse }) => {
    const dataset = findDataset(datasets, name);
    const dates = datesOf(dataset, days);
    const chosen = choose(await readRange(warehouse, dataset, dates), options.only);
    if (options.dryRun) {
      output.line(
        `Would load ${plural(chosen.length, 'day')} of ${name}${chosen.length > 0 ? `: ${some(chosen.map(({ businessDate }) => businessDate))}` : ''}`,
      );
      output.document({ dataset: name, from: options.from, to: options.to, dryRun: true, wouldLoad: chosen });
      return;
    }
    if (chosen.length > 0) await requireWorker(client, output, false);
    goOnUnless(stop.signal);
    // Days of one merge dataset run one at a time (§5), in order, so that no newer day makes an older one stale.
    const atOnce = dataset.write === 'merge' ? 1 : options.concurrency;
    const failed = await loadDays(
      { client, warehouse, dataset: name, days: chosen, atOnce, output },
      stop.signal,
    );
    const range = await readRange(warehouse, dataset, dates);
    summarize(name, range, chosen, output);
    if (failed > 0 || range.some(({ loadId }) => loadId === null)) process.exitCode = 1;
    if (stop.signal.aborted) process.exitCode = INTERRUPTED;
  });
}

/** What is known of each date, in order. */
async function readRange(
  warehouse: DataSource,
  { name }: Dataset,
  dates: readonly BusinessDate[],
): Promise<DayStatus[]> {
  const [from = null, to = null] = [dates[0], dates.at(-1)];
  if (from === null) return [];
  const { days } = await readDays(warehouse, { dataset: name, from, to });
  const known = new Map(days.map((day) => [day.businessDate, statusOf(day, false)]));
  return dates.map(
    (businessDate) => known.get(businessDate) ?? statusOfNothing({ dataset: name, businessDate }, false),
  );
}

function choose(range: readonly DayStatus[], only: Only): DayToLoad[] {
  const wanted = range.filter(
    ({ state, loadId }) =>
      only === 'all' || state === 'missing' || (only === 'unsuccessful' && loadId === null),
  );
  const kindOf = (day: DayStatus): AttemptKind => (day.loadId === null ? 'backfill' : 'replay');
  return wanted.map((day) => ({ businessDate: day.businessDate, kind: kindOf(day) }));
}

/** The range as the ledger has it now, whoever loaded what. */
function summarize(
  dataset: string,
  range: readonly DayStatus[],
  chosen: readonly DayToLoad[],
  output: Output,
): void {
  const datesIn = (state: DayStatus['state']) =>
    range.filter((day) => day.state === state).map(({ businessDate }) => businessDate);
  const loaded = datesIn('loaded');
  const others = (['refused', 'failed', 'cancelled', 'running', 'missing'] as const)
    .map((state) => ({ state, dates: datesIn(state) }))
    .filter(({ state, dates }) => dates.length > 0 || state === 'refused' || state === 'failed')
    .map(({ state, dates }) => `${dates.length} ${state}${dates.length > 0 ? ` (${some(dates)})` : ''}`);
  const first = range[0]?.businessDate ?? '';
  const last = range.at(-1)?.businessDate ?? '';
  output.line(
    `${dataset} from ${first} to ${last}: ${[`${count(loaded.length)} loaded`, ...others].join(', ')}`,
  );
  if (chosen.length === 0) output.line('No day was started.');
  const unloaded = range.find(({ loadId }) => loadId === null);
  if (unloaded) {
    output.note(`See why: npx nighttrain show ${dataset} ${unloaded.businessDate}`);
    output.note(
      `Once that is mended: npx nighttrain backfill ${dataset} --from ${first} --to ${last} --only unsuccessful`,
    );
  }
  output.document({
    dataset,
    from: first,
    to: last,
    started: chosen.length,
    loaded: loaded.length,
    refused: datesIn('refused'),
    failed: datesIn('failed'),
    cancelled: datesIn('cancelled'),
    running: datesIn('running'),
    missing: datesIn('missing'),
  });
}
