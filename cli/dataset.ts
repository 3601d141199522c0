import { findDataset } from '../rules/find-dataset.ts';
import { InvalidArgumentError, type Command } from 'commander';
import { checkFiles } from '../intake/check-files.ts';
import { FigureGatherer } from '../intake/column-figures.ts';
import type { Dataset, Schedule } from '../rules/dataset.ts';
import { readConfig } from '../worker/config.ts';
import { loadDatasets } from '../worker/project.ts';
import { nightsOf, refusalOf, sayChecked, sayFigures } from './dataset-check.ts';
import { count, plural } from './figures.ts';
import { dateNamed } from './installation.ts';
import { writeNewDataset } from './new-dataset.ts';
import { Output } from './output.ts';
import { ProgressLine } from './progress-line.ts';

export function addDataset(program: Command): void {
  const dataset = program.command('dataset').description('the declarations of this project');
  dataset
    .command('list')
    .description('every dataset, its table and its schedule')
    .option('--json', 'one JSON document on stdout')
    .action(list);
  dataset
    .command('new <name>')
    .description('writes a declaration and its migration from a sample, for a person to review')
    .requiredOption('--from <sample...>', 'a CSV file, or several of one shape')
    .action(writeNew);
  dataset
    .command('check <dataset> <files...>')
    .description(
      'validates rows as a night would, and loads nothing; keys that come twice and references are the warehouse’s to check; exit code 1 where a row is rejected or a night of them would be refused',
    )
    .option('--date <date>', 'the day that rows must be of; by default the one in the file’s name')
    .option('--sample [n]', 'sound rows, and rejected ones of every rule, that are shown', sampleNamed)
    .option('--stats', 'of each column: missing values, least, greatest, sum')
    .option('--json', 'one JSON document on stdout')
    .action(check);
}

const SAMPLE = 3;
const MOST_SAMPLES = 1_000;

function sampleNamed(text: string): number {
  const number = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= MOST_SAMPLES) return number;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${count(MOST_SAMPLES)}.`);
}

async function list({ json = false }: { readonly json?: boolean }): Promise<void> {
  const output = new Output(json);
  const datasets = [...(await loadDatasets(readConfig().projectRoot)).values()];
  output.table(
    ['dataset', 'table', 'source', 'write', 'key', 'schedule'],
    datasets.map((dataset) => {
      const { name, table, source, write, key, schedule } = dataset;
      return [name, `warehouse.${table}`, sourceOf(source), write, key.join(', '), scheduleOf(schedule)];
    }),
  );
  output.document({
    datasets: datasets.map(({ name, about, table, source, write, key, schedule, rejectLimitPercent }) => {
      return {
        name,
        about,
        table,
        source: source.kind,
        write,
        key,
        rejectLimitPercent,
        schedule: schedule ?? null,
      };
    }),
  });
}

const sourceOf = (source: Dataset['source']): string =>
  source.kind === 'csv' ? 'csv (inbox)' : `rest ${source.path}`;

function scheduleOf(schedule: Schedule | undefined): string {
  if (!schedule) return 'none';
  const { at, dueBy, timeZone, cadence, after } = schedule;
  const follows = after.length > 0 ? `, after ${after.join(', ')}` : '';
  return `${cadence} ${at}, due by ${dueBy} ${timeZone}${follows}`;
}

async function writeNew(name: string, { from }: { readonly from: readonly string[] }): Promise<void> {
  const output = new Output(false);
  const { files, notes } = await writeNewDataset(readConfig().projectRoot, name, from);
  for (const file of files) output.line(`Wrote ${file}`);
  output.line('\nReview:');
  for (const note of notes) output.line(`  ${note}`);
  output.line(`  Every "review" in ${files[0]} is a guess: confirm and remove it.`);
  output.line('\nThen:');
  output.line(`  npx nighttrain dataset check ${name} ${from.join(' ')}`);
  output.line('  npx nighttrain migrate');
  output.line(
    `  npx nighttrain run ${name} --date YYYY-MM-DD    (restart the worker first: it reads declarations once)`,
  );
}

interface CheckOfFiles {
  readonly date?: string;
  /** True where no number was said. */
  readonly sample?: number | true;
  readonly stats?: boolean;
  readonly json?: boolean;
}

async function check(name: string, files: readonly string[], options: CheckOfFiles): Promise<void> {
  const output = new Output(options.json ?? false);
  const dataset = findDataset(await loadDatasets(readConfig().projectRoot), name);
  const businessDate = options.date === undefined ? undefined : dateNamed(options.date);
  const figures = options.stats ? new FigureGatherer(dataset) : undefined;
  using line = new ProgressLine();
  const checked = await checkFiles(dataset, files, {
    ...(businessDate && { businessDate }),
    sample: options.sample === true ? SAMPLE : options.sample,
    figures,
    progress: (file, read) => line.show(`${file}: ${plural(read, 'row')}`),
  });
  line[Symbol.dispose]();
  const nights = nightsOf(checked);
  const columns = figures?.figures();
  sayChecked(dataset, checked, nights, output);
  if (columns) sayFigures(columns, output);
  output.document({ dataset: name, files: checked, nights, ...(columns && { columns }) });
  const isRefused = nights.some((night) => refusalOf(dataset, night) !== undefined);
  if (isRefused || checked.some(({ rejected }) => rejected > 0)) process.exitCode = 1;
}
