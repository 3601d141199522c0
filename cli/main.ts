import { readFile } from 'node:fs/promises';
import { Command, CommanderError } from 'commander';
import { Cancelled, ConfigurationError, UsageError } from '../rules/errors.ts';
import { endWithReader, Output } from './output.ts';

/** Exit codes that scripts depend on (§6). */
const FAILED = 1;
const WRONG_USAGE = 2;
const INTERRUPTED = 130;

/** A module is loaded when its command is typed, or when all are listed: Temporal's SDK alone takes most of a second. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  up: async () => (await import('./up.ts')).addUp,
  demo: async () => (await import('./demo.ts')).addDemo,
  worker: async () => (await import('./worker.ts')).addWorker,
  watchdog: async () => (await import('./watchdog.ts')).addWatchdog,
  migrate: async () => (await import('./migrate.ts')).addMigrate,
  doctor: async () => (await import('./doctor.ts')).addDoctor,
  dataset: async () => (await import('./dataset.ts')).addDataset,
  generate: async () => (await import('./generate.ts')).addGenerate,
  simulate: async () => (await import('./simulate.ts')).addSimulate,
  run: async () => (await import('./run.ts')).addRun,
  replay: async () => (await import('./replay.ts')).addReplay,
  backfill: async () => (await import('./backfill.ts')).addBackfill,
  status: async () => (await import('./status.ts')).addStatus,
  show: async () => (await import('./show.ts')).addShow,
  cancel: async () => (await import('./cancel.ts')).addCancel,
  'cold-reboot': async () => (await import('./cold-reboot.ts')).addColdReboot,
  pause: async () => (await import('./pause.ts')).addPause,
  resume: async () => (await import('./pause.ts')).addResume,
  fold: async () => (await import('./fold.ts')).addFold,
  zombie: async () => (await import('./zombie.ts')).addZombie,
  alert: async () => (await import('./alert.ts')).addAlert,
  quarantine: async () => (await import('./quarantine.ts')).addQuarantine,
  runbook: async () => (await import('./runbook.ts')).addRunbook,
  audit: async () => (await import('./audit.ts')).addAudit,
  retention: async () => (await import('./retention.ts')).addRetention,
  sql: async () => (await import('./sql.ts')).addSql,
};

/** Runs one command. `argv` as Node has it: the interpreter and the script come first. */
export async function main(argv: string[]): Promise<void> {
  const program = new Command('nighttrain')
    .description('Carries each night into a PostgreSQL warehouse, whole or not at all.')
    .version(await version())
    .exitOverride()
    .showHelpAfterError('(nighttrain --help lists the commands)');
  endWithReader();
  for (const name of wanted(argv[2])) (await COMMANDS[name]?.())?.(program);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    if (!(error instanceof CommanderError)) new Output(false).error(error);
  }
}

function wanted(typed: string | undefined): readonly string[] {
  if (typed === '--version') return [];
  return typed !== undefined && Object.hasOwn(COMMANDS, typed) ? [typed] : Object.keys(COMMANDS);
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
