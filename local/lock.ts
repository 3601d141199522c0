import { randomBytes } from 'node:crypto';
import { link, rm, writeFile } from 'node:fs/promises';
import { ConfigurationError } from '../rules/errors.ts';
import { codeOf, isRunning, markOf, readIfThere, type ProcessMark } from './processes.ts';
import { waitFor } from './wait.ts';

interface Holder extends ProcessMark {
  /** Names this one holding of the lock. */
  readonly token: string;
}

/**
 * Does work while no other process on this machine does it under the same lock file. A lock whose holder died is
 * taken over. Throws ConfigurationError when a living holder does not let go in time.
 */
export async function withLock<T>(
  file: string,
  options: { withinMs: number; onWait?: (pid: number) => void; signal?: AbortSignal | undefined },
  work: () => Promise<T>,
): Promise<T> {
  let told = false;
  let holder: Holder | undefined;
  const taken = await waitFor(
    async () => {
      holder = await take(file);
      if (holder === undefined) return true;
      if (!told) options.onWait?.(holder.pid);
      told = true;
      return undefined;
    },
    { withinMs: options.withinMs, signal: options.signal },
  );
  if (!taken) {
    throw new ConfigurationError(`Process ${holder?.pid} is still at work in this home`, {
      detail: `${file}, waited ${Math.round(options.withinMs / 1000)} s`,
      hint: 'Wait for it to end, or end it; its lock is then released by itself.',
    });
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

/** Takes the lock, or tells who holds it. */
async function take(file: string): Promise<Holder | undefined> {
  const mark = await markOf(process.pid);
  const mine: Holder = {
    pid: process.pid,
    startedAt: mark?.startedAt ?? '',
    token: randomBytes(4).toString('hex'),
  };
  const draft = `${file}.${mine.token}.new`;
  await writeFile(draft, JSON.stringify(mine), { mode: 0o644 });
  try {
    await link(draft, file); // appears with its content, or not at all
    return undefined;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  const holder = await holderOf(file);
  if (holder === undefined) return take(file); // released in between
  if (await isRunning(holder)) return holder;
  await takeAway(file, holder);
  return take(file);
}

/**
 * Removes the lock of a dead holder. Two that both saw it dead must not remove each other's new lock: the removal
 * has a lock of its own, named for that one holding, and under it the file is read again.
 */
async function takeAway(file: string, dead: Holder): Promise<void> {
  await withLock(`${file}.${dead.token}`, { withinMs: 10_000 }, async () => {
    if ((await holderOf(file))?.token === dead.token) await rm(file);
  });
}

async function holderOf(file: string): Promise<Holder | undefined> {
  const text = await readIfThere(file);
  return text === undefined ? undefined : (JSON.parse(text) as Holder);
}
