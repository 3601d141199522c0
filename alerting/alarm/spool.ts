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
  /** Somebody has seen it, who was told by another way. The same occurrence is kept again with this. */
  readonly seen?: { readonly by: string; /** ISO 8601. */ readonly at: string } | undefined;
  /** ISO 8601: it was over by then. The same occurrence is kept again with this, and nobody is paged any more. */
  readonly overAt?: string | undefined;
}

/** Findings that wait, a file each; past this many none is taken (R14). */
export const MOST_SPOOLED = 20_000;

const ENDING = '.json';
/** What can not be read, or is never taken, is set aside for a person. */
const BROKEN = '.broken';
/** A file that is being written; one that is older was left by a crash. */
const DRAFT = '~';
const LONGEST_DRAFT_MS = 24 * 60 * 60_000;

/** An occurrence waits in a file for each word on it: whoever takes over one drops that alone. */
const FORMS = { found: '', seen: '-seen', over: '-over' } as const;
type Form = keyof typeof FORMS;

/** What lies in a spool. */
interface SpoolFigures {
  readonly waiting: number;
  /** How long the oldest has waited, milliseconds. */
  readonly oldestMs: number;
  /** Files that were set aside. */
  readonly broken: readonly string[];
}

/** The folder in which findings wait for PostgreSQL: any number of processes write to it, and empty it. */
export class Spool {
  readonly folder: string;
  /** As far as we know: others write too. */
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
    // Others empty the folder as it fills: what we count by ourselves only grows.
    if (this.#files === undefined || this.#files >= MOST_SPOOLED) this.#files = await this.#count();
    if (this.#files >= MOST_SPOOLED) {
      throw new LimitExceeded(`${MOST_SPOOLED} findings wait in the spool already: one more is not taken`, {
        detail: this.folder,
        hint: 'Bring PostgreSQL back: every worker takes them over by itself.',
      });
    }
    const form = formOf(spooled);
    const file = this.#fileOf(spooled.occurrence, form);
    const beside = `${file}.${process.pid}.${randomUUID()}${DRAFT}`;
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
    // Where it waits still without this word: nobody is paged for what was seen, or is over.
    if (form !== 'found') await this.drop(this.#fileOf(spooled.occurrence, 'found'));
  }

  /** Whether an occurrence waits to be taken over, whatever is known of it by now. */
  async waits(occurrence: string): Promise<boolean> {
    const forms = Object.keys(FORMS) as Form[];
    const there = await Promise.all(forms.map((form) => isThere(this.#fileOf(occurrence, form))));
    return there.includes(true);
  }

  #fileOf(occurrence: string, form: Form): string {
    return join(this.folder, `${occurrence}${FORMS[form]}${ENDING}`);
  }

  /** The files that wait, the oldest first. What a crash left half written is removed once nobody can be writing it. */
  async waiting(): Promise<string[]> {
    const names = await this.#names();
    for (const { path, at } of await agesOf(this.folder, names, DRAFT))
      if (at < Date.now() - LONGEST_DRAFT_MS) await this.drop(path);
    const files = await agesOf(this.folder, names, ENDING);
    this.#files = files.length;
    return files.map(({ path }) => path);
  }

  /** What lies here, for whoever watches it. */
  async figures(): Promise<SpoolFigures> {
    const names = await this.#names();
    const files = await agesOf(this.folder, names, ENDING);
    const oldest = files[0]?.at;
    return {
      waiting: files.length,
      oldestMs: oldest === undefined ? 0 : Math.max(0, Date.now() - oldest),
      broken: names.filter((name) => name.endsWith(BROKEN)).toSorted(),
    };
  }

  async #count(): Promise<number> {
    return (await this.#names()).filter((name) => name.endsWith(ENDING)).length;
  }

  async #names(): Promise<string[]> {
    return readdir(this.folder).catch((error: unknown) => {
      if (isGone(error)) return [];
      throw error;
    });
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

function formOf({ seen, overAt }: Spooled): Form {
  if (overAt !== undefined) return 'over';
  return seen === undefined ? 'found' : 'seen';
}

/** Files with an ending, the oldest first; somebody else may have just taken one over. */
async function agesOf(
  folder: string,
  names: readonly string[],
  ending: string,
): Promise<readonly { readonly path: string; readonly at: number }[]> {
  const files: { path: string; at: number }[] = [];
  for (const name of names.filter((one) => one.endsWith(ending))) {
    const path = join(folder, name);
    const at = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    );
    if (at !== undefined) files.push({ path, at });
  }
  return files.sort((a, b) => a.at - b.at);
}

const isThere = async (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const isGone = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

function parse(text: string): Spooled {
  const { occurrence, foundAt, finding, seen, overAt } = JSON.parse(text) as Partial<Spooled>;
  const { rule, sentence, dataset, businessDate } = finding ?? {};
  const isFinding =
    typeof occurrence === 'string' &&
    typeof rule === 'string' &&
    Object.hasOwn(ALERT_RULES, rule) &&
    typeof sentence === 'string' &&
    isTextOrNull(dataset) &&
    isTextOrNull(businessDate) &&
    !Number.isNaN(Date.parse(foundAt ?? '')) &&
    (seen === undefined || (typeof seen.by === 'string' && !Number.isNaN(Date.parse(seen.at))));
  if (!isFinding) throw new SyntaxError('it holds no finding');
  return { occurrence, foundAt, finding, seen, overAt } as Spooled;
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
