import { randomUUID } from 'node:crypto';
import { Option, type Command } from 'commander';
import type { ReplayInput } from '../rules/attempt.ts';
import type { BusinessDate } from '../rules/business-date.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { findDataset } from '../rules/find-dataset.ts';
import { requireDateOf } from '../rules/month.ts';
import { askReplay, sound, type ReplayPayload } from './ask-replay.ts';
import { dryRun } from './dry-run.ts';
import { goOnUnless } from './follow.ts';
import { dateNamed, withInstallation } from './installation.ts';
import { Output } from './output.ts';
import { requireWorker } from './pollers.ts';
import { requestedBy } from './requests.ts';
import { StopRequest } from './signals.ts';

interface ReplayOptions {
  readonly reason: string;
  readonly input?: ReplayInput;
  readonly dryRun?: boolean;
  readonly takeOver?: boolean;
  readonly detach?: boolean;
  readonly json?: boolean;
}

export function addReplay(program: Command): void {
  program
    .command('replay')
    .argument('<dataset>')
    .argument('<date>', 'the business date', dateNamed)
    .description('loads a day again, by signal to control; the version before moves to warehouse_history')
    .requiredOption('--reason <text>', 'why; it is kept with the request')
    .addOption(
      new Option('--input <from>', 'the source as it is now, or what landed before')
        .choices(['source', 'landing'])
        .default('source'),
    )
    .option('--dry-run', 'say what would change, by key, and change nothing')
    .option('--take-over', 'end the run that holds the day now')
    .option('--detach', 'do not wait for the answer')
    .option('--json', 'one JSON document on stdout')
    .action(replay);
}

async function replay(name: string, businessDate: BusinessDate, options: ReplayOptions): Promise<void> {
  const output = new Output(options.json ?? false);
  using stop = StopRequest.listen();
  await withInstallation(async (here) => {
    const { datasets, client } = here;
    requireDateOf(findDataset(datasets, name), businessDate, (date) => `replay ${name} ${date} --reason …`);
    const { dryRun: isDryRun = false, input = 'source' } = options;
    const day = { dataset: name, businessDate };
    if (isDryRun) return dryRun(here, day, input, output, stop.signal);
    const request = requestOf(day, options);
    await requireWorker(client, output, options.detach ?? false);
    goOnUnless(stop.signal);
    await askReplay(here, request, options.detach ?? false, output, stop.signal);
  });
}

function requestOf(day: DatasetDay, { reason, takeOver, input }: ReplayOptions): ReplayPayload {
  const request = {
    requestId: randomUUID(),
    ...day,
    requestedBy: requestedBy(),
    reason,
    takeOver: takeOver ?? false,
    ...(input === 'landing' && { input }),
  };
  return sound(request, 'replay');
}
