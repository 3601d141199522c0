import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Command } from 'commander';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { DayIsTaken, UsageError } from '../rules/errors.ts';
import { latestOwed } from '../rules/night.ts';
import { loadWorkflowId, TASK_QUEUE, type LoadDayRequest } from '../workflows/messages.ts';
import { dayIs, stateIs } from '../workflows/search-attributes.ts';
import { follow } from './follow.ts';
import { datasetNamed, dateNamed, withInstallation } from './installation.ts';
import { Output } from './output.ts';

interface RunOptions {
  readonly date?: string;
  readonly detach?: boolean;
  readonly json?: boolean;
}

export function addRun(program: Command): void {
  program
    .command('run <dataset>')
    .description('loads one day now and follows it; by default the latest that its schedule owes')
    .option('--date <date>', 'the business date')
    .option('--detach', 'do not wait for the end')
    .option('--json', 'one JSON document on stdout')
    .action(run);
}

async function run(name: string, options: RunOptions): Promise<void> {
  const output = new Output(options.json ?? false);
  await withInstallation(async ({ datasets, client }) => {
    const dataset = datasetNamed(datasets, name);
    const owed = dataset.schedule && latestOwed(dataset.schedule, new Date().toISOString());
    const businessDate = options.date === undefined ? owed : dateNamed(options.date);
    if (!businessDate)
      throw new UsageError(`${name} has no schedule, so it owes no day`, {
        hint: 'Name one: --date YYYY-MM-DD',
      });
    const day = { dataset: name, businessDate };
    const request: LoadDayRequest = { ...day, kind: 'run' };
    const handle = await client.workflow
      .start('loadDay', {
        workflowId: loadWorkflowId(day),
        taskQueue: TASK_QUEUE,
        typedSearchAttributes: [...dayIs(day), ...stateIs('running')],
        args: [request],
      })
      .catch((error: unknown) => {
        throw error instanceof WorkflowExecutionAlreadyStartedError ? isTaken(day) : error;
      });
    if (options.detach) {
      output.line(`Started ${handle.workflowId}, run ${handle.firstExecutionRunId}`);
      output.document({ ...day, workflowId: handle.workflowId, runId: handle.firstExecutionRunId });
    } else {
      await follow(client, day, handle.firstExecutionRunId, output);
    }
  });
}

function isTaken({ dataset, businessDate }: DatasetDay): DayIsTaken {
  return new DayIsTaken(`${dataset} of ${businessDate} is being loaded by another run`, {
    hint: `See which: npx nighttrain show ${dataset} ${businessDate}`,
  });
}
