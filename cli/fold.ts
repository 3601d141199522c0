import type { Command } from 'commander';
import { foldIfFree } from '../activities/fold-months.ts';
import { describe } from '../rules/errors.ts';
import { findDataset } from '../rules/find-dataset.ts';
import { foldableMonths, type FoldableMonth } from '../warehouse/fold.ts';
import { findDatabases } from './databases.ts';
import { count, plural } from './figures.ts';
import { openCommandWarehouse } from './installation.ts';
import { Output } from './output.ts';
import { StopRequest } from './signals.ts';

interface FoldOptions {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function addFold(program: Command): void {
  program
    .command('fold')
    .argument('[dataset]', 'by default all of them')
    .description('folds the days of months past their foldAfter into one table each, as every night does')
    .option('--dry-run', 'says which, and folds none')
    .option('--json', 'one JSON document on stdout')
    .action(fold);
}

/** What somebody asks for is done now: a night waits until a day after the last correction of a month. */
const AT_ONCE = 0;

async function fold(name: string | undefined, { dryRun = false, json = false }: FoldOptions): Promise<void> {
  const output = new Output(json);
  const project = await findDatabases();
  const dataset = name === undefined ? null : findDataset(project.datasets, name).name;
  using stop = StopRequest.listen();
  const warehouse = await openCommandWarehouse(project);
  try {
    const months = await foldableMonths(warehouse, AT_ONCE, dataset);
    const known = months.filter((month) => project.datasets.has(month.dataset));
    const deps = { warehouse, loaderUrl: project.databases.loaderUrl, datasets: project.datasets };
    const told: (FoldableMonth & { readonly isFolded: boolean })[] = [];
    for (const month of known) {
      const context = { signal: stop.signal, progress: () => undefined };
      const left = dryRun ? undefined : await foldIfFree(deps, month, context);
      const isFolded = !dryRun && left === undefined;
      told.push({ ...month, isFolded });
      output.line(`${sentenceOf(month)} ${isFolded ? 'folded' : dryRun ? 'would be folded' : 'not folded'}`);
      if (left) output.note(describe(left));
    }
    if (known.length === 0) output.line('No month is left to fold.');
    output.document({ dryRun, months: told });
    if (!dryRun && told.some(({ isFolded }) => !isFolded)) process.exitCode = 1;
  } finally {
    await warehouse.destroy();
  }
}

function sentenceOf({ dataset, month, days, tables, rows }: FoldableMonth): string {
  return `${dataset} ${month.slice(0, 7)}: ${plural(days, 'day')} in ${plural(tables, 'table')}, ${count(rows)} rows:`;
}
