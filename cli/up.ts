import { join } from 'node:path';
import type { Command } from 'commander';
import { findEngines, startEngines, type FoundEngines } from '../local/engines.ts';
import { openHome } from '../local/home.ts';
import { withLock } from '../local/lock.ts';
import type { Dataset } from '../rules/dataset.ts';
import { ConfigurationError } from '../rules/errors.ts';
import { readConfig, withVariables, type Config } from '../worker/config.ts';
import { databasesOf } from '../worker/databases.ts';
import { loadDatasets } from '../worker/project.ts';
import { keepOutOfChanges } from '../worker/schedules.ts';
import { startSampleSources } from './sample-sources.ts';
import { bringUpToDate } from './migrate.ts';
import { Output } from './output.ts';
import { planSchedules, sayPlanned } from './plan-schedules.ts';
import { StopRequest } from './signals.ts';
import { watchEngines } from './watch-engines.ts';

interface UpOptions {
  readonly demo?: boolean;
  readonly dryRun?: boolean;
}

export function addUp(program: Command): void {
  program
    .command('up')
    .description(
      'embedded PostgreSQL and Temporal (unless configured), migrations, schedules, worker; Ctrl-C drains',
    )
    .option('--demo', 'with the simulated freight API and the flights of February 2013')
    .option('--dry-run', 'say which schedules would be created, updated or deleted, and change nothing')
    .action(up);
}

async function up({ demo = false, dryRun = false }: UpOptions): Promise<void> {
  const output = new Output(false);
  const config = readConfig();
  const datasets = await loadDatasets(config.projectRoot);
  keepOutOfChanges([...datasets.values()]);
  if (dryRun) return planUp(config, datasets, output);
  using stop = StopRequest.listen();
  stop.orParentsEnd(config);
  await openHome(config.home);
  await withLock(
    join(config.home, 'up.lock'),
    { withinMs: 0, onWait: refuseSecond(config.home) },
    async () => {
      const sources = demo ? await startSampleSources(config.inbox) : undefined;
      try {
        await run(
          sources ? withVariables(config, sources.variables) : config,
          datasets,
          stop,
          output,
          sources?.url,
        );
      } finally {
        await sources?.close();
      }
    },
  );
}

/** Engines, migrations, worker; at the end, however it came, the worker drains first and the engines stop last. */
async function run(
  config: Config,
  datasets: ReadonlyMap<string, Dataset>,
  stop: StopRequest,
  output: Output,
  freightApiUrl: string | undefined,
): Promise<void> {
  const engines = await startEngines(config.home, {
    postgres: config.databaseUrl === undefined,
    temporal: config.temporalAddress === undefined,
    env: config.environment,
    say: (line) => output.note(line),
    signal: stop.signal,
  });
  const endWatch = watchEngines(config, stop, output);
  try {
    const databases = await databasesOf(config, engines.databaseUrl);
    const applied = await bringUpToDate(config, databases, [...datasets.values()], true);
    if (applied.length > 0) output.note(`Migrated: ${applied.join(', ')}`);
    stop.signal.throwIfAborted();
    const address = config.temporalAddress ?? engines.temporalAddress ?? '';
    const temporal = { address, namespace: config.temporalNamespace };
    const { work } = await import('./work.ts');
    const { temporalUiUrl } = engines;
    await work({ config, datasets, databases, temporal, temporalUiUrl }, stop, output, (healthUrl) => {
      output.line(`PostgreSQL   ${withoutPassword(databases.loaderUrl)}`);
      output.line(`Temporal     ${address}`);
      if (temporalUiUrl) output.line(`Temporal UI  ${temporalUiUrl}`);
      if (freightApiUrl)
        output.line(`Freight API  ${freightApiUrl}  (simulated; faults: ${freightApiUrl}/control)`);
      output.line(`Health       ${healthUrl}/readyz  (and /healthz, /metrics)`);
      output.line(`Inbox        ${config.inbox}`);
      output.line(`Home         ${config.home}`);
      output.line('Night Train is up; Ctrl-C drains and stops it.');
    });
  } finally {
    endWatch();
    await engines.stop();
  }
}

async function planUp(config: Config, datasets: ReadonlyMap<string, Dataset>, output: Output): Promise<void> {
  const found: FoundEngines = config.temporalAddress === undefined ? await findEngines(config.home) : {};
  const address = config.temporalAddress ?? found.temporalAddress;
  if (address === undefined) {
    throw new ConfigurationError(
      `No Temporal runs under ${config.home}, so its schedules cannot be compared`,
      {
        hint: 'Start it in another terminal (npx nighttrain up), or name one: TEMPORAL_ADDRESS=host:port',
      },
    );
  }
  sayPlanned(
    await planSchedules({ temporal: { address, namespace: config.temporalNamespace }, datasets }),
    output,
  );
}

const refuseSecond = (home: string) => (pid: number) => {
  throw new ConfigurationError(`Night Train is up in ${home} already, as process ${pid}`, {
    hint: `Use that one, stop it (kill ${pid}), or set NIGHTTRAIN_HOME to another folder.`,
  });
};

function withoutPassword(url: string): string {
  const shown = new URL(url);
  shown.password = '';
  return shown.href;
}
