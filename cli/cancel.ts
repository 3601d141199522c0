import { findDataset } from '../rules/find-dataset.ts';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Command } from 'commander';
import type { BusinessDate } from '../rules/business-date.ts';
import { dayLabel, type DatasetDay } from '../rules/dataset-day.ts';
import { NothingThere, Unanswered } from '../rules/errors.ts';
import { loadWorkflowId } from '../workflows/messages.ts';
import { cancelLoad, LONGEST_CANCEL_MS, type DayEnd } from './day-end.ts';
import { dateNamed, withInstallation } from './installation.ts';
import { sentenceOf } from './follow.ts';
import { Output } from './output.ts';

export function addCancel(program: Command): void {
  program
    .command('cancel')
    .argument('<dataset>')
    .argument('<date>', 'the business date', dateNamed)
    .description('stops the load of a day: it rolls back, and nothing half done stays')
    .option('--json', 'one JSON document on stdout')
    .action(cancel);
}

async function cancel(
  name: string,
  businessDate: BusinessDate,
  options: { readonly json?: boolean },
): Promise<void> {
  const output = new Output(options.json ?? false);
  await withInstallation(async ({ datasets, client, warehouse }) => {
    const day: DatasetDay = { dataset: findDataset(datasets, name).name, businessDate };
    const runId = await findRun(client, day);
    const end = await cancelLoad({ client, warehouse, day, runId });
    if (!end) {
      throw new Unanswered(
        `The load of ${dayLabel(day)} did not end within ${LONGEST_CANCEL_MS / 1000} s; the cancel stands`,
        {
          detail: `${loadWorkflowId(day)}, run ${runId}`,
          hint: `Is a worker up? npx nighttrain up. Then: npx nighttrain show ${name} ${businessDate}`,
        },
      );
    }
    say(day, runId, end, output);
  });
}

/** The run that loads the day now. @throws NothingThere where nothing runs */
async function findRun(client: Client, day: DatasetDay): Promise<string> {
  const found = await client.workflow
    .getHandle(loadWorkflowId(day))
    .describe()
    .catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    });
  if (found?.status.name === 'RUNNING') return found.runId;
  throw new NothingThere(`${dayLabel(day)} is not being loaded: there is nothing to cancel`, {
    hint: `See what came of it: npx nighttrain show ${day.dataset} ${day.businessDate}`,
  });
}

/** The outcome is what the ledger says: a cancel may lose to COMMIT (§3). */
function say(day: DatasetDay, runId: string, end: DayEnd, output: Output): void {
  const { state, receipt, error } = end;
  const { dataset, businessDate } = day;
  if (state === 'cancelled') {
    output.line(`The load of ${dayLabel(day)} was cancelled; nothing was written`);
    output.line(`To load it: npx nighttrain run ${dataset} --date ${businessDate}`);
  } else {
    output.note(`Too late to cancel: ${sentenceOf(day, end)}`);
    output.note(`Every attempt: npx nighttrain show ${dataset} ${businessDate}`);
    process.exitCode = 1;
  }
  output.document({ ...day, runId, state, receipt: receipt ?? null, error: error ?? null });
}
