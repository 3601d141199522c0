import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Somebody has seen what the watchdog pages about. */
export interface WatchAck {
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
}

/** Where a watchdog keeps what it must know again. */
export const watchFiles = (home: string) => ({
  journal: join(home, 'watchdog', 'journal.json'),
  ack: join(home, 'watchdog', 'acknowledged.json'),
});

/** Acknowledges all that is paged about now: by a file, which needs no engine. */
export async function acknowledgeWatch(file: string, ack: WatchAck): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, JSON.stringify(ack), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** The latest acknowledgement; a file that is none counts as none. */
export async function readWatchAck(file: string): Promise<WatchAck | undefined> {
  try {
    const { by, at } = JSON.parse(await readFile(file, 'utf8')) as Partial<WatchAck>;
    return typeof by === 'string' && !Number.isNaN(Date.parse(at ?? '')) ? { by, at: at ?? '' } : undefined;
  } catch {
    return undefined; // the telephone rings on, which is what a missing word means
  }
}
