import type { Command } from 'commander';
import { UsageError } from '../rules/errors.ts';
import { findDataset } from '../rules/find-dataset.ts';
import { pauseEnd, pauseNote } from '../rules/pause.ts';
import { readConfig } from '../worker/config.ts';
import { pauseSchedule, resumeSchedule } from '../worker/pause.ts';
import { loadDatasets } from '../worker/project.ts';
import { withInstallation } from './installation.ts';
import { Output } from './output.ts';
import { requestedBy } from './requests.ts';

export function addPause(program: Command): void {
  program
    .command('pause')
    .argument('<dataset>')
    .description('starts no more nights of a dataset until it is resumed; it stays paused over deploys')
    .requiredOption('--reason <text>', 'why; whoever is told of the pause reads it')
    .option(
      '--until <time>',
      'when it ends by itself: 2026-11-22T05:00, on the clock of the dataset’s zone, or with Z or +02:00',
    )
    .option('--json', 'one JSON document on stdout')
    .action(pause);
}

export function addResume(program: Command): void {
  program
    .command('resume')
    .argument('<dataset>')
    .description('lets a paused schedule start nights again; those that it missed are loaded by backfill')
    .option('--json', 'one JSON document on stdout')
    .action(resume);
}

interface PauseOptions {
  readonly reason: string;
  readonly until?: string;
  readonly json?: boolean;
}

async function pause(name: string, { reason, until: typed, json = false }: PauseOptions): Promise<void> {
  const output = new Output(json);
  if (reason.trim() === '') throw new UsageError('A pause without a reason tells nobody anything');
  const config = readConfig();
  const { name: dataset, schedule } = findDataset(await loadDatasets(config.projectRoot), name);
  const until =
    typed === undefined ? undefined : pauseEnd(typed, schedule?.timeZone ?? 'UTC', new Date().toISOString());
  await withInstallation(async ({ client }) => {
    const note = pauseNote(`${reason.trim().slice(0, 200)} (${requestedBy()})`, until);
    const isNew = await pauseSchedule(client, dataset, note);
    const end = until === undefined ? '' : ` until ${until}, when the sweep resumes it`;
    output.line(
      isNew
        ? `${dataset} is paused${end}: no night of it starts. To let it run again: npx nighttrain resume ${dataset}`
        : `${dataset} is paused already; its reason and its end stay as they were.`,
    );
    output.document({
      dataset,
      isPaused: true,
      wasPaused: !isNew,
      ...(until !== undefined && isNew && { until }),
    });
  });
}

async function resume(name: string, { json = false }: { readonly json?: boolean }): Promise<void> {
  const output = new Output(json);
  await withInstallation(async ({ datasets, client }) => {
    const dataset = findDataset(datasets, name).name;
    const wasPaused = await resumeSchedule(client, dataset, `resumed by ${requestedBy()}`);
    output.line(
      wasPaused
        ? `${dataset} runs by its schedule again. Nights that it missed: npx nighttrain backfill ${dataset} --from … --to …`
        : `${dataset} was not paused.`,
    );
    output.document({ dataset, isPaused: false, wasPaused });
  });
}
