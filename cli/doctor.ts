import type { Command } from 'commander';
import { findEngines, type FoundEngines } from '../local/engines.ts';
import type { Dataset } from '../rules/dataset.ts';
import { UsageError } from '../rules/errors.ts';
import { readConfig, type Config } from '../worker/config.ts';
import { databasesOf } from '../worker/databases.ts';
import { loadDatasets } from '../worker/project.ts';
import { connectClient } from '../worker/temporal.ts';
import { examine, fail, ok, type Finding } from './doctor/finding.ts';
import { checkDisk, checkHome, checkInbox, checkNode, checkSources } from './doctor/machine.ts';
import { checkPaging } from './doctor/paging.ts';
import { checkRunbooks } from './doctor/runbooks.ts';
import { checkSpool } from './doctor/spool.ts';
import { checkTemporal } from './doctor/temporal.ts';
import { checkWarehouse } from './doctor/warehouse.ts';
import { openCommandWarehouse } from './installation.ts';
import { Output } from './output.ts';

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description(
      'what is wrong with this installation, and how to mend it; exit code 1 where something fails',
    )
    .option('--only <check...>', 'these checks alone, by their names')
    .option('--json', 'one JSON document on stdout')
    .action(doctor);
}

const START = 'Start it in another terminal: npx nighttrain up';

interface DoctorOptions {
  readonly only?: readonly string[];
  readonly json?: boolean;
}

async function doctor({ only, json = false }: DoctorOptions): Promise<void> {
  const output = new Output(json);
  const findings = chosen(await diagnose(), only);
  for (const { check, level, found, mend } of findings) {
    output.line(`${level.padEnd(4)}  ${check.padEnd(17)}  ${found.replaceAll('\n', `\n${' '.repeat(25)}`)}`);
    if (mend !== undefined) output.line(`${' '.repeat(25)}→ ${mend}`);
  }
  const failed = findings.filter(({ level }) => level === 'fail').length;
  const warned = findings.filter(({ level }) => level === 'warn').length;
  output.line(`\n${findings.length} checks: ${failed} failed, ${warned} warnings`);
  output.document({ healthy: failed === 0, checks: findings });
  if (failed > 0) process.exitCode = 1;
}

/** @throws UsageError where a check was not made: whoever asks for it must not read that it is well */
function chosen(findings: readonly Finding[], only: readonly string[] | undefined): readonly Finding[] {
  const missing = (only ?? []).filter((name) => !findings.some(({ check }) => check === name));
  if (missing.length > 0) {
    throw new UsageError(`No such check was made: ${missing.join(', ')}`, {
      detail: `made were ${[...new Set(findings.map(({ check }) => check))].join(', ')}`,
      hint: 'All that is wrong: npx nighttrain doctor',
    });
  }
  return findings.filter(({ check }) => only?.includes(check) ?? true);
}

/** Every check that can be made, however many fail before it. */
async function diagnose(): Promise<readonly Finding[]> {
  const findings: Finding[] = [checkNode()];
  let project: { config: Config; datasets: Dataset[] } | undefined;
  findings.push(
    ...(await examine('project', 'Correct what is named.', async () => {
      const config = readConfig();
      const datasets = [...(await loadDatasets(config.projectRoot)).values()];
      project = { config, datasets };
      return ok('project', `${config.projectRoot}: ${datasets.length} datasets`);
    })),
  );
  if (!project) return findings;
  const { config, datasets } = project;
  findings.push(
    ...(await examine('home', 'Set NIGHTTRAIN_HOME to another folder.', () => checkHome(config))),
    ...(await examine('disk', 'Look at the disk.', () => checkDisk(config))),
    ...(await examine('spool', 'Look at the home.', () => checkSpool(config))),
    await checkInbox(config, datasets),
    checkSources(config, datasets),
    ...(await examine('runbooks', 'Look at the folder runbooks.', () => checkRunbooks(config))),
  );
  let engines: FoundEngines = {};
  findings.push(
    ...(await examine('engines', START, async () => {
      if (!config.databaseUrl || !config.temporalAddress) engines = await findEngines(config.home);
      return [];
    })),
  );
  return [
    ...findings,
    ...(await examine('PostgreSQL', START, () => examineWarehouse(config, engines, datasets))),
    ...(await examine('Temporal', START, () => examineTemporal(config, engines, datasets))),
    ...(await checkPaging(config, datasets)),
  ];
}

async function examineWarehouse(
  config: Config,
  engines: FoundEngines,
  datasets: readonly Dataset[],
): Promise<readonly Finding[]> {
  if (!config.databaseUrl && !engines.databaseUrl)
    return [fail('PostgreSQL', `none is configured, and none runs under ${config.home}`, START)];
  const databases = await databasesOf(config, engines.databaseUrl);
  const warehouse = await openCommandWarehouse({ databases });
  try {
    return await checkWarehouse(warehouse, config.projectRoot, datasets);
  } finally {
    await warehouse.destroy();
  }
}

async function examineTemporal(
  config: Config,
  engines: FoundEngines,
  datasets: readonly Dataset[],
): Promise<readonly Finding[]> {
  const address = config.temporalAddress ?? engines.temporalAddress;
  if (address === undefined)
    return [fail('Temporal', `none is configured, and none runs under ${config.home}`, START)];
  const client = await connectClient({ address, namespace: config.temporalNamespace });
  try {
    return [ok('Temporal', address), ...(await checkTemporal(client, datasets))];
  } finally {
    await client.connection.close();
  }
}
