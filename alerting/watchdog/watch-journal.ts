import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { describe } from '../../rules/errors.ts';
import { QUIET, type WatchState } from './watch-state.ts';

/** What a watchdog has found and whom it has told, in a file: one that is started again goes on where it was. */
export class WatchJournal {
  readonly #file: string;
  readonly #log: Logger;
  #last = Promise.resolve();

  constructor(file: string, log: Logger) {
    this.#file = file;
    this.#log = log;
  }

  /** What was kept last; a file that cannot be read counts as none, and is said. */
  async read(): Promise<WatchState> {
    try {
      const { troubles, calls } = JSON.parse(await readFile(this.#file, 'utf8')) as Partial<WatchState>;
      if (Array.isArray(troubles) && Array.isArray(calls)) return { troubles, calls };
      this.#log.error({ file: this.#file }, 'the journal is none: what was paged before is not known');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#log.error(
          { error: describe(error) },
          'the journal cannot be read: what was paged is not known',
        );
    }
    return QUIET;
  }

  /** Keeps it, one after the other. A disk that takes nothing keeps nobody from being paged: it is said. */
  keep(state: WatchState): Promise<void> {
    const text = JSON.stringify(state);
    const before = this.#last;
    this.#last = this.#write(before, text);
    return this.#last;
  }

  async #write(before: Promise<void>, text: string): Promise<void> {
    await before;
    try {
      await writeWhole(this.#file, text);
    } catch (error) {
      this.#log.error(
        { error: describe(error) },
        'the journal cannot be written: a watchdog started again would page again',
      );
    }
  }
}

async function writeWhole(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.new`;
  try {
    const handle = await open(draft, 'w', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}
