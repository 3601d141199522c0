import { findDataset } from '../rules/find-dataset.ts';
import type { Command } from 'commander';
import type { BusinessDate } from '../rules/business-date.ts';
import { UsageError } from '../rules/errors.ts';
import { isFuture } from '../rules/future.ts';
import { requireDateOf } from '../rules/month.ts';
import { latestOwed } from '../rules/night.ts';
import { loadWorkflowId } from '../workflows/messages.ts';
import { dryRun } from './dry-run.ts';
import { follow, goOnUnless } from './follow.ts';
import { dateNamed, withInstallation } from './installation.ts';
import { Output } from './output.ts';
import { requireWorker } from './pollers.ts';
import { StopRequest } from './signals.ts';
import { startLoad } from './start-load.ts';

interface RunOptions {
  readonly date?: BusinessDate;
  readonly dryRun?: boolean;
  readonly detach?: boolean;
  readonly json?: boolean;
}

export function addRun(program: Command): void {
  program
    .command('run <dataset>')
    .description('loads one day now and follows it; by default the latest that its schedule owes')
    .option('--date <date>', 'the business date', dateNamed)
    .option('--dry-run', 'say what would be loaded, and change nothing')
    .option('--detach', 'do not wait for the end')
    .option('--json', 'one JSON document on stdout')
    .action(run);
}

async function run(name: string, options: RunOptions): Promise<void> {
  const output = new Output(options.json ?? false);
  using stop = StopRequest.listen();
  await withInstallation(async (here) => {
    const { datasets, client, warehouse } = here;
    const dataset = findDataset(datasets, name);
    const owed = dataset.schedule && latestOwed(dataset.schedule, new Date().toISOString());
    const businessDate = options.date ?? owed;
    if (!businessDate)
      throw new UsageError(`${name} has no schedule, so it owes no day`, {
        hint: 'Name one: --date YYYY-MM-DD',
      });
    if (isFuture(businessDate, new Date().toISOString(), dataset.schedule?.timeZone)) {
      throw new UsageError(`${businessDate} lies in the future`, {
        hint: 'A day is loaded once it is over.',
      });
    }
    requireDateOf(dataset, businessDate, (date) => `run ${name} --date ${date}`);
    const day = { dataset: name, businessDate };
    if (options.dryRun) return dryRun(here, day, 'source', output, stop.signal);
    await requireWorker(client, output, options.detach ?? false);
    goOnUnless(stop.signal);
    const runId = await startLoad(client, { ...day, kind: 'run' });
    if (options.detach) {
      const workflowId = loadWorkflowId(day);
      output.line(`Started ${workflowId}, run ${runId}`);
      output.document({ ...day, workflowId, runId });
    } else {
      await follow({ client, warehouse, day, runId }, output, stop.signal);
    }
  });
}
