import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { makeFolder } from '../make-folder.ts';
import { LandingFull, UsageError } from '../../rules/errors.ts';

/** zlib's fastest: at its default level packing alone takes three times as long as all the rest. */
const GZIP = { level: 1 };

/**
 * Writes a file that appears whole: beside itself, then renamed; one of that name is replaced. Packed where its name
 * ends in `.gz`.
 * @returns its size in bytes
 * @throws UsageError where it cannot be written; LandingFull where there is no room left
 */
export async function writeFileOf(
  pages: Iterable<Buffer>,
  file: string,
  signal: AbortSignal,
): Promise<number> {
  const beside = `${file}.${process.pid}.part`;
  try {
    await makeFolder(dirname(file));
    const source = Readable.from(pages, { objectMode: false });
    const target = createWriteStream(beside);
    if (file.endsWith('.gz')) await pipeline(source, createGzip(GZIP), target, { signal });
    else await pipeline(source, target, { signal });
    const { size } = await stat(beside);
    await rename(beside, file);
    return size;
  } catch (cause) {
    await rm(beside, { force: true }).catch(() => undefined); // what stopped the writing is the news
    throw signal.aborted ? signal.reason : writeError(file, cause);
  }
}

function writeError(file: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  if (['ENOSPC', 'EDQUOT'].includes(code)) {
    return new LandingFull('There is no room left for the generated files', {
      detail: `${file}: ${code}`,
      hint: 'Make room, or write fewer rows; files that were finished are whole.',
      cause,
    });
  }
  if (!['EACCES', 'EEXIST', 'EISDIR', 'ENOTDIR', 'EROFS', 'EPERM', 'ENOENT'].includes(code)) return cause;
  return new UsageError(`${file} cannot be written`, {
    detail: code,
    hint: 'Name with --out a folder that you may write to.',
    cause,
  });
}
