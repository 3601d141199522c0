import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { EngineFailed } from '../../rules/errors.ts';

/** How the demo's commands are started: the same program that runs the demo, in the demo's project. */
export interface Shell {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** A command that has ended. */
export interface Ended {
  readonly code: number | null;
  /** stdout and stderr, as they came. */
  readonly lines: readonly string[];
}

const WORKER_UP_MS = 60_000;
const DRAIN_MS = 15_000;

/** Runs `nighttrain …` to its end. `said` is told every line as it comes. */
export async function runCommand(
  shell: Shell,
  args: readonly string[],
  said: (line: string) => void,
): Promise<Ended> {
  const child = start(shell, args, 'pipe');
  const lines: string[] = [];
  const reading = [child.stdout, child.stderr].map(async (stream) => {
    if (!stream) return;
    for await (const line of createInterface(stream)) {
      lines.push(line);
      said(line);
    }
  });
  const [code] = (await once(child, 'close')) as [number | null];
  await Promise.all(reading);
  shell.signal.throwIfAborted();
  return { code, lines };
}

/** Starts `nighttrain worker`, a process like any other; answers when it polls. Its log goes to a file. */
export async function startWorkerProcess(shell: Shell, log: string): Promise<ChildProcess> {
  const child = start(shell, ['worker'], openSync(log, 'a'));
  const isUp = (async () => {
    if (child.stdout) for await (const _ of createInterface(child.stdout)) return true; // its first line says so
    return false;
  })();
  const tooLate = AbortSignal.any([shell.signal, AbortSignal.timeout(WORKER_UP_MS)]);
  const gaveUp = once(tooLate, 'abort').then(() => false);
  if (await Promise.race([isUp, gaveUp])) return child;
  child.kill('SIGKILL');
  shell.signal.throwIfAborted();
  throw new EngineFailed('A worker of the demo did not start', { detail: await endOf(log) });
}

/** Ends a worker and waits for it: SIGTERM drains, and one that does not in time is killed; SIGKILL is a crash. */
export async function endWorker(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  const tooLong = setTimeout(() => child.kill('SIGKILL'), DRAIN_MS);
  await ended;
  clearTimeout(tooLong);
}

/** The end of a log, for it is gone with the demo's folder. */
async function endOf(log: string): Promise<string> {
  return (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-15).join('\n');
}

function start({ folder, env }: Shell, args: readonly string[], stderr: 'pipe' | number): ChildProcess {
  const program = process.argv[1] ?? '';
  return spawn(process.execPath, [program, ...args], { cwd: folder, env, stdio: ['ignore', 'pipe', stderr] });
}
