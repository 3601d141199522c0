import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { EngineFailed } from '../rules/errors.ts';
import { waitFor } from './wait.ts';

const run = promisify(execFile);

/** A process, so named that a later one with the same pid is never mistaken for it. */
export interface ProcessMark {
  readonly pid: number;
  /** Opaque: equal for the same process only. */
  readonly startedAt: string;
}

/** A user of this machine, as `spawn` takes it. */
export interface ProcessUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The mark of a living process; undefined when there is none, or only its unreaped rest. */
export async function markOf(pid: number): Promise<ProcessMark | undefined> {
  const startedAt = process.platform === 'linux' ? await startOnLinux(pid) : await startElsewhere(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export async function isRunning(mark: ProcessMark): Promise<boolean> {
  return (await markOf(mark.pid))?.startedAt === mark.startedAt;
}

/** Whether the process was gone before the time was up. */
export async function hasEnded(mark: ProcessMark, withinMs: number): Promise<boolean> {
  const ended = await waitFor(async () => ((await isRunning(mark)) ? undefined : true), { withinMs });
  return ended === true;
}

/** Sends a signal, unless the process is gone already. */
export async function signalTo(mark: ProcessMark, signal: NodeJS.Signals): Promise<void> {
  if (!(await isRunning(mark))) return;
  try {
    process.kill(mark.pid, signal);
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}

/** What a process was started as, arguments included. */
export async function commandOf(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    const line = await readIfThere(`/proc/${pid}/cmdline`);
    return line?.replaceAll('\0', ' ');
  }
  return ps(pid, 'command=');
}

export interface Launched {
  readonly mark: ProcessMark;
  /** Resolves when it ends, to how it ended. Never keeps this process alive. */
  readonly ended: Promise<string>;
}

/**
 * Starts a server in a process group of its own, so that Ctrl-C at the terminal does not reach it: the worker
 * drains first, then the servers are stopped. Its output goes to the end of the file `log`.
 */
export async function launch(
  command: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; log: string; user?: ProcessUser | undefined },
): Promise<Launched> {
  const log = await open(options.log, 'a', 0o600);
  try {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      windowsHide: true,
      stdio: ['ignore', log.fd, log.fd],
      ...(options.user && { uid: options.user.uid, gid: options.user.gid }),
    });
    const ended = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : signal));
    });
    await once(child, 'spawn').catch((error: unknown) => {
      throw new EngineFailed(`${command} cannot be started`, { detail: String(error), cause: error });
    });
    child.unref();
    const mark = (await markOf(child.pid ?? 0)) ?? { pid: child.pid ?? 0, startedAt: 'ended' };
    return { mark, ended };
  } finally {
    await log.close();
  }
}

/** The code of a system error, such as ENOENT. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

/** The text of a file, or undefined when it (or its folder) is not there. */
export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ESRCH'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

async function startOnLinux(pid: number): Promise<string | undefined> {
  const stat = await readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // proc(5): the name may hold spaces and brackets, so count from the last one; field 3 is the state, 20 the threads,
  // 22 the start. A killed process shows the state of its first thread while others still hold its files and ports.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'X' || (fields[0] === 'Z' && Number(fields[17]) <= 1)) return undefined;
  const boot = await readIfThere('/proc/sys/kernel/random/boot_id'); // ticks since boot repeat after a reboot
  return `${boot?.slice(0, 8) ?? ''}:${fields[19]}`;
}

async function startElsewhere(pid: number): Promise<string | undefined> {
  if (process.platform === 'win32') {
    const question = `(Get-Process -Id ${pid} -ErrorAction SilentlyContinue).StartTime.ToFileTimeUtc()`;
    return output('powershell.exe', ['-NoProfile', '-Command', question]);
  }
  const [state, ...start] = ((await ps(pid, 'state=,lstart=')) ?? 'Z').split(/\s+/);
  return state?.startsWith('Z') ? undefined : start.join(' ');
}

const ps = (pid: number, columns: string): Promise<string | undefined> =>
  output('ps', ['-o', columns, '-p', String(pid)]);

/** What a command printed; undefined when it found nothing, which these commands tell by their exit code. */
async function output(command: string, args: string[]): Promise<string | undefined> {
  try {
    const { stdout } = await run(command, args, { timeout: 10_000 });
    return stdout.trim() || undefined;
  } catch (error) {
    if (typeof (error as { code?: unknown }).code === 'number') return undefined;
    throw error;
  }
}
