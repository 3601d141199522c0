import type { Command } from 'commander';
import { UsageError } from '../rules/errors.ts';
import { findDataset } from '../rules/find-dataset.ts';
import { pauseSchedule, resumeSchedule } from '../worker/pause.ts';
import { withInstallation } from './installation.ts';
import { Output } from './output.ts';
import { requestedBy } from './requests.ts';

export function addPause(program: Command): void {
  program
    .command('pause')
    .argument('<dataset>')
    .description('starts no more nights of a dataset until it is resumed; it stays paused over deploys')
    .requiredOption('--reason <text>', 'why; whoever is told of the pause reads it')
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

async function pause(
  name: string,
  { reason, json = false }: { readonly reason: string; readonly json?: boolean },
): Promise<void> {
  const output = new Output(json);
  if (reason.trim() === '') throw new UsageError('A pause without a reason tells nobody anything');
  await withInstallation(async ({ datasets, client }) => {
    const dataset = findDataset(datasets, name).name;
    const isNew = await pauseSchedule(client, dataset, `${reason.trim().slice(0, 200)} (${requestedBy()})`);
    output.line(
      isNew
        ? `${dataset} is paused: no night of it starts. To let it run again: npx nighttrain resume ${dataset}`
        : `${dataset} is paused already; its reason stays as it was.`,
    );
    output.document({ dataset, isPaused: true, wasPaused: !isNew });
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
