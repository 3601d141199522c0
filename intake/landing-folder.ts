import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { ConfigurationError, LandingCorrupt, LandingFull, LimitExceeded } from '../rules/errors.ts';
import { untilAborted } from './abort.ts';
import type { LandingStore, StoredFile } from './landing.ts';
import { lendFile } from './lent-file.ts';

/** Stands in the name of a file that is still being written; no key can hold it, so that `list` never shows one. */
const UNFINISHED = '~';
const TEXT_BYTES = 64 * 1024 * 1024;
/** More is no faster, and cost 60 MB more at the peak of a million rows. */
const READING = { highWaterMark: 64 * 1024 };

/** A landing store in a folder, which is made when the first file is written. */
export function openLandingFolder(root: string): LandingStore {
  const place = (key: string) => path.join(root, ...segmentsOf(key));
  return {
    write: async (key, content, signal) => write(place(key), key, content, signal),
    read: (key) =>
      Readable.from(contentOf(createReadStream(place(key), READING), key), { objectMode: false }),
    lend: (key) => contentOf(lendFile(place(key)), key),
    readText: async (key) => readText(place(key), key),
    list: async (prefix) => (await list(place(prefix), prefix.replace(/\/$/, ''))).sort(),
    remove: async (prefix) => fs.rm(place(prefix), { recursive: true, force: true }),
  };
}

/** The names that a key is made of. A key never leads out of the folder, on no platform. */
function segmentsOf(key: string): string[] {
  const segments = key.replace(/\/$/, '').split('/');
  const sound = segments.every(
    (segment) => /^[A-Za-z0-9._-]{1,255}$/.test(segment) && !/^\.+$/.test(segment),
  );
  if (!sound) {
    throw new ConfigurationError(
      'A name in the landing store is not made of [A-Za-z0-9._-] between slashes',
      {
        detail: JSON.stringify(key.slice(0, 200)),
      },
    );
  }
  return segments;
}

async function write(
  file: string,
  key: string,
  content: AsyncIterable<Uint8Array>,
  signal = new AbortController().signal,
): Promise<StoredFile> {
  const unfinished = `${file}${UNFINISHED}${randomUUID()}`;
  try {
    await fs.mkdir(path.dirname(file), { recursive: true });
    const measured = await fill(unfinished, untilAborted(content, signal));
    await fs.rename(unfinished, file);
    await persistName(file);
    return { key, ...measured };
  } catch (cause) {
    await fs.rm(unfinished, { force: true });
    throw landingError(cause, key);
  }
}

async function fill(file: string, content: AsyncIterable<Uint8Array>): Promise<Omit<StoredFile, 'key'>> {
  const hash = createHash('sha256');
  let bytes = 0;
  const handle = await fs.open(file, 'wx');
  try {
    for await (const chunk of content) {
      // A sole write() may take less than it is given; this one repeats itself until all is written.
      const written = handle.appendFile(chunk);
      hash.update(chunk);
      await written;
      bytes += chunk.length;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** A renamed file survives a power cut only once its folder is on disk too. Windows opens no folders. */
async function persistName(file: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await fs.open(path.dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function* contentOf(chunks: AsyncIterable<Buffer>, key: string): AsyncGenerator<Buffer> {
  try {
    yield* chunks;
  } catch (cause) {
    throw landingError(cause, key);
  }
}

async function readText(file: string, key: string): Promise<string | undefined> {
  try {
    const { size } = await fs.stat(file);
    if (size > TEXT_BYTES)
      throw new LimitExceeded(`A text of the landing store is longer than ${TEXT_BYTES} bytes`, {
        detail: key,
      });
    return await fs.readFile(file, 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw landingError(cause, key);
  }
}

async function list(folder: string, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for (const entry of await entriesOf(folder, prefix)) {
    const key = `${prefix}/${entry.name}`;
    if (entry.isDirectory()) keys.push(...(await list(path.join(folder, entry.name), key)));
    else if (!entry.name.includes(UNFINISHED)) keys.push(key);
  }
  return keys;
}

async function entriesOf(folder: string, prefix: string) {
  try {
    return await fs.readdir(folder, { withFileTypes: true });
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return [];
    throw landingError(cause, prefix);
  }
}

/** What the file system's refusal means to an operator; any other error stays as it is. */
function landingError(cause: unknown, key: string): unknown {
  const code = codeOf(cause) ?? '';
  if (['ENOSPC', 'EDQUOT'].includes(code)) {
    return new LandingFull('The landing store is full', {
      detail: `${key}: ${code}`,
      hint: 'Make room on the volume that holds NIGHTTRAIN_HOME; the step is tried again by itself.',
      cause,
    });
  }
  if (code === 'ENOENT') {
    return new LandingCorrupt('The landing store no longer has a file that it was given', {
      detail: key,
      hint: 'Replay the day from its source.',
      cause,
    });
  }
  if (['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR', 'EEXIST'].includes(code)) {
    return new ConfigurationError('The landing store cannot be used', {
      detail: `${key}: ${code}`,
      hint: 'Let the worker read and write the landing folder below NIGHTTRAIN_HOME.',
      cause,
    });
  }
  return cause;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}
