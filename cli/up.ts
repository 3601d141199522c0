import type { Command } from 'commander';
import { startEngines } from '../local/engines.ts';
import { migrate } from '../warehouse/migrate.ts';
import { readConfig, type Config } from '../worker/config.ts';
import { databasesOf, type Databases } from '../worker/databases.ts';
import { createLog, installRuntime } from '../worker/log.ts';
import { loadDatasets } from '../worker/project.ts';
import { startWorker } from '../worker/run.ts';
import { join } from 'node:path';
import { Output } from './output.ts';
import { untilStopped } from './signals.ts';

export function addUp(program: Command): void {
  program
    .command('up')
    .description(
      'embedded PostgreSQL and Temporal (unless configured), migrations, schedules, worker; Ctrl-C drains',
    )
    .action(up);
}

async function up(): Promise<void> {
  const output = new Output(false);
  const config = readConfig();
  const datasets = await loadDatasets(config.projectRoot);
  const engines = await startEngines(config.home, {
    postgres: config.databaseUrl === undefined,
    temporal: config.temporalAddress === undefined,
    env: config.environment,
    say: (line) => output.note(line),
  });
  try {
    const databases = await databasesOf(config, engines.databaseUrl);
    await bringUpToDate(config, databases, [...datasets.values()], output);
    const address = config.temporalAddress ?? engines.temporalAddress ?? '';
    const log = createLog(config.logLevel);
    installRuntime(log);
    const temporal = { address, namespace: config.temporalNamespace };
    const worker = await startWorker({ config, datasets, loaderUrl: databases.loaderUrl, temporal, log });
    output.line(`PostgreSQL  ${withoutPassword(databases.loaderUrl)}`);
    output.line(`Temporal    ${address}`);
    if (engines.temporalUiUrl) output.line(`Temporal UI ${engines.temporalUiUrl}`);
    output.line(`Inbox       ${config.inbox}`);
    output.line('Night Train is up; Ctrl-C drains and stops it.');
    await untilStopped(worker, output);
  } finally {
    await engines.stop();
  }
}

async function bringUpToDate(
  config: Config,
  databases: Databases,
  datasets: Parameters<typeof migrate>[0]['datasets'],
  output: Output,
): Promise<void> {
  const { adminUrl, loaderPassword, setsPassword } = databases;
  if (adminUrl === undefined) return; // only the loader is known here: migrations are somebody else's
  const applied = await migrate({
    adminUrl,
    projectFolder: join(config.projectRoot, 'migrations'),
    datasets,
    bootstrap: { password: loaderPassword, replace: setsPassword },
  });
  if (applied.length > 0) output.note(`Migrated: ${applied.join(', ')}`);
}

function withoutPassword(url: string): string {
  const shown = new URL(url);
  shown.password = '';
  return shown.href;
}
