import type { Command } from 'commander';
import { openInstallation } from './installation.ts';
import { Output } from './output.ts';
import { planSchedules, sayPlanned } from './plan-schedules.ts';
import { StopRequest } from './signals.ts';

interface WorkerOptions {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function addWorker(program: Command): void {
  program
    .command('worker')
    .description('the worker alone, with engines that run elsewhere; Ctrl-C drains')
    .option('--dry-run', 'say which schedules would be created, updated or deleted, and change nothing')
    .option('--json', 'with --dry-run: one JSON document on stdout')
    .action(worker);
}

async function worker({ dryRun = false, json = false }: WorkerOptions): Promise<void> {
  const output = new Output(json && dryRun);
  using stop = StopRequest.listen();
  const installation = await openInstallation();
  stop.orParentsEnd(installation.config);
  if (dryRun) return sayPlanned(await planSchedules(installation), output);
  stop.signal.throwIfAborted();
  const { work } = await import('./work.ts');
  await work(installation, stop, output, (healthUrl) => {
    output.line(`Health  ${healthUrl}/readyz  (and /healthz, /metrics)`);
    output.line('The worker is up; Ctrl-C drains and stops it.');
  });
}
