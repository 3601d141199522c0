import { readFile } from 'node:fs/promises';
import { Command, CommanderError } from 'commander';
import { Cancelled, ConfigurationError, UsageError } from '../rules/errors.ts';
import { addDataset } from './dataset.ts';
import { addDemo } from './demo.ts';
import { addDoctor } from './doctor.ts';
import { addBackfill } from './backfill.ts';
import { addCancel } from './cancel.ts';
import { addMigrate } from './migrate.ts';
import { endWithReader, Output } from './output.ts';
import { addQuarantine } from './quarantine.ts';
import { addReplay } from './replay.ts';
import { addRun } from './run.ts';
import { addShow } from './show.ts';
import { addSimulate } from './simulate.ts';
import { addStatus } from './status.ts';
import { addUp } from './up.ts';
import { addWorker } from './worker.ts';

/** Exit codes that scripts depend on (§6). */
const FAILED = 1;
const WRONG_USAGE = 2;
const INTERRUPTED = 130;

const COMMANDS = [
  addUp,
  addDemo,
  addWorker,
  addMigrate,
  addDoctor,
  addDataset,
  addSimulate,
  addRun,
  addReplay,
  addBackfill,
  addStatus,
  addShow,
  addCancel,
  addQuarantine,
];

/** Runs one command. `argv` as Node has it: the interpreter and the script come first. */
export async function main(argv: string[]): Promise<void> {
  const program = new Command('nighttrain')
    .description('Carries each night into a PostgreSQL warehouse, whole or not at all.')
    .version(await version())
    .exitOverride()
    .showHelpAfterError('(nighttrain --help lists the commands)');
  endWithReader();
  for (const add of COMMANDS) add(program);
  for (const command of program.commands) command.exitOverride();
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    if (!(error instanceof CommanderError)) new Output(false).error(error);
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
  if (error instanceof Cancelled) return INTERRUPTED;
  return error instanceof UsageError || error instanceof ConfigurationError ? WRONG_USAGE : FAILED;
}

async function version(): Promise<string> {
  const root = import.meta.url.endsWith('.ts') ? '../' : '../../'; // the sources' folder, or dist/ below it
  const manifest = await readFile(new URL(`${root}package.json`, import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
