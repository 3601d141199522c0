import { open, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from './processes.ts';

const TAIL_BYTES = 4096;
const TAIL_LINES = 15;

/** The last lines of the newest logs of a folder: what a person needs when a server did not start. */
export async function tailOfLogs(folder: string): Promise<string> {
  const files = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const { mtimeMs, size } = await stat(path);
    if (name.endsWith('.log') && size > 0) files.push({ path, mtimeMs });
  }
  const newest = files.sort((one, other) => one.mtimeMs - other.mtimeMs).slice(-2);
  const tails = await Promise.all(newest.map(async ({ path }) => `${path}:\n${await tail(path)}`));
  return tails.join('\n') || `${folder} holds no log`;
}

async function tail(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(TAIL_BYTES),
      position: Math.max(0, size - TAIL_BYTES),
    });
    return buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  } finally {
    await file.close();
  }
}

/** Puts the log of the last start aside, in place of the one before. */
export async function turnLog(path: string): Promise<void> {
  try {
    await rename(path, `${path}.1`);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
