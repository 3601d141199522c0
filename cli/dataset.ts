import { findDataset } from '../rules/find-dataset.ts';
import type { Command } from 'commander';
import { checkFiles, type CheckedFile } from '../intake/check-files.ts';
import type { Dataset, Schedule } from '../rules/dataset.ts';
import { exceedsRejectLimit, isEmptySource } from '../rules/reject-limit.ts';
import { readConfig } from '../worker/config.ts';
import { loadDatasets } from '../worker/project.ts';
import { dateNamed } from './installation.ts';
import { writeNewDataset } from './new-dataset.ts';
import { Output } from './output.ts';

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
    .description('validates files as a night would, and loads nothing; exit code 1 where a row is rejected')
    .option('--date <date>', 'the day that rows must be of; by default the one in the file’s name')
    .option('--json', 'one JSON document on stdout')
    .action(check);
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

async function check(
  name: string,
  files: readonly string[],
  options: { readonly date?: string; readonly json?: boolean },
): Promise<void> {
  const output = new Output(options.json ?? false);
  const dataset = findDataset(await loadDatasets(readConfig().projectRoot), name);
  const businessDate = options.date === undefined ? undefined : dateNamed(options.date);
  const checked = await checkFiles(dataset, files, { ...(businessDate && { businessDate }) });
  for (const file of checked) sayChecked(file, dataset, output);
  output.document({ dataset: name, files: checked });
  if (checked.some(({ rejected }) => rejected > 0)) process.exitCode = 1;
}

function sayChecked(checked: CheckedFile, dataset: Dataset, output: Output): void {
  const { file, businessDate, read, valid, rejected, discarded, samples, warnings, rejectedByRule } = checked;
  const day = businessDate ? ` as of ${businessDate}` : '';
  output.line(
    `${file}${day}: ${valid} of ${read} rows are valid, ${rejected} rejected, ${discarded} discarded`,
  );
  for (const warning of warnings) output.line(`  warning: ${warning}`);
  for (const [rule, rows] of Object.entries(rejectedByRule)) output.line(`  ${rule}: ${rows}`);
  for (const { record, line, column, reason, value } of samples) {
    output.line(
      `  record ${record}${line === null ? '' : `, line ${line}`}: ${column ?? 'row'} ${reason}: ${value}`,
    );
  }
  if (isEmptySource(checked) && !dataset.allowEmpty)
    output.line('  A night of this file would be refused: it is empty.');
  else if (exceedsRejectLimit(checked, dataset.rejectLimitPercent))
    output.line(
      `  A night of this file would be refused: the limit is ${dataset.rejectLimitPercent} % rejected.`,
    );
}
