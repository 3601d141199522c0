import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ALERT_RULES } from '../../rules/alert-rules.ts';
import type { Finding } from '../../rules/alert.ts';
import { LimitExceeded } from '../../rules/errors.ts';

/** A finding that waits until PostgreSQL takes it. */
export interface Spooled {
  /** Names this one occurrence, a UUID. */
  readonly occurrence: string;
  /** ISO 8601. */
  readonly foundAt: string;
  readonly finding: Finding;
  /** ISO 8601: it was over by then. The same occurrence is kept again with this, and nobody is paged any more. */
  readonly overAt?: string | undefined;
}

/** Findings that wait, a file each; past this many none is taken (R14). */
export const MOST_SPOOLED = 20_000;

const ENDING = '.json';
/** What can not be read, or is never taken, is set aside for a person. */
const BROKEN = '.broken';

/** The folder in which findings wait for PostgreSQL: any number of processes write to it, and empty it. */
export class Spool {
  readonly folder: string;
  /** Counted anew at every `waiting`: others write too. */
  #files: number | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Keeps a finding: when this returns, no crash loses it. The same occurrence is kept once.
   * @throws LimitExceeded where too many wait; whatever the file system says
   */
  async keep(spooled: Spooled): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    this.#files ??= (await this.waiting()).length;
    if (this.#files >= MOST_SPOOLED) {
      throw new LimitExceeded(`${MOST_SPOOLED} findings wait in the spool already: one more is not taken`, {
        detail: this.folder,
        hint: 'Bring PostgreSQL back: every worker takes them over by itself.',
      });
    }
    // In a file of its own: whoever takes over the finding at this moment drops that file alone.
    const file = this.fileOf(
      spooled.overAt === undefined ? spooled.occurrence : `${spooled.occurrence}-over`,
    );
    const beside = `${file}.${process.pid}.${randomUUID()}~`;
    const handle = await open(beside, 'wx', 0o600);
    try {
      await handle.writeFile(JSON.stringify(spooled));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
    await sync(this.folder);
    this.#files += 1;
  }

  /** Where the finding of an occurrence waits, if it does. */
  fileOf(occurrence: string): string {
    return join(this.folder, `${occurrence}${ENDING}`);
  }

  /** The files that wait, the oldest first. */
  async waiting(): Promise<string[]> {
    const names = await readdir(this.folder).catch((error: unknown) => {
      if (isGone(error)) return [];
      throw error;
    });
    const files: { path: string; at: number }[] = [];
    for (const name of names.filter((one) => one.endsWith(ENDING))) {
      const path = join(this.folder, name);
      const at = await stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => undefined, // somebody else has just taken it over
      );
      if (at !== undefined) files.push({ path, at });
    }
    this.#files = files.length;
    return files.sort((a, b) => a.at - b.at).map(({ path }) => path);
  }

  /** What a file holds; undefined where somebody else has just taken it over. @throws SyntaxError where it is no finding */
  async read(path: string): Promise<Spooled | undefined> {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (isGone(error)) return undefined;
      throw error;
    });
    return text === undefined ? undefined : parse(text);
  }

  /** Lets go of a file whose finding is archived. */
  async drop(path: string): Promise<void> {
    await rm(path, { force: true });
  }

  /** Sets a file aside, under another name, so that it stops nobody else. */
  async setAside(path: string): Promise<void> {
    await rename(path, join(this.folder, `${basename(path)}${BROKEN}`));
  }
}

const isGone = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

function parse(text: string): Spooled {
  const { occurrence, foundAt, finding, overAt } = JSON.parse(text) as Partial<Spooled>;
  const { rule, sentence, dataset, businessDate } = finding ?? {};
  const isFinding =
    typeof occurrence === 'string' &&
    typeof rule === 'string' &&
    Object.hasOwn(ALERT_RULES, rule) &&
    typeof sentence === 'string' &&
    isTextOrNull(dataset) &&
    isTextOrNull(businessDate) &&
    !Number.isNaN(Date.parse(foundAt ?? ''));
  if (!isFinding) throw new SyntaxError('it holds no finding');
  return { occurrence, foundAt, finding, overAt } as Spooled;
}

const isTextOrNull = (value: unknown): boolean => value === null || typeof value === 'string';

/** A rename is on disk once its folder is. */
async function sync(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
