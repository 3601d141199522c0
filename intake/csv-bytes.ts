import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import iconv from 'iconv-lite';
import { LimitExceeded, SourceBroken, SourceContractBroken } from '../rules/errors.ts';
import type { CsvSource } from '../rules/source.ts';
import { isPacked, type StoredFile } from './landing.ts';

const INFLATED_BYTES = 128 * 1024;
/** What stays this small does no harm, however well it was compressed. */
const HARMLESS_BYTES = 1024 * 1024;

/**
 * A file's text as UTF-8 without its byte order mark: unpacked where its name ends in `.gz`, converted from Latin-1
 * where that is declared. Latin-1 is read as what it means in exports and on the web, windows-1252; a byte that this
 * does not have becomes U+FFFD, which no text column lets through.
 * @throws SourceBroken where it is cut short or is not what its name says; LimitExceeded for a gzip bomb
 */
export async function* csvBytes(
  file: StoredFile,
  content: AsyncIterable<Buffer>,
  encoding: CsvSource['encoding'],
  inflation: number,
): AsyncGenerator<Buffer> {
  const packed = withPackingChecked(file, content);
  const plain = isPacked(file) ? unpack(file, packed, inflation) : packed;
  for await (const chunk of withoutMark(file, plain, encoding)) {
    yield encoding === 'latin1' ? Buffer.from(iconv.decode(chunk, 'win1252')) : chunk;
  }
}

async function* withPackingChecked(file: StoredFile, content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let checked = false;
  for await (const chunk of startingWith(2, content)) {
    const looksPacked = chunk[0] === 0x1f && chunk[1] === 0x8b;
    if (!checked && looksPacked !== isPacked(file)) {
      throw new SourceBroken(
        looksPacked
          ? 'A file is compressed with gzip, and its name does not say so'
          : 'A file is not compressed with gzip, although its name says so',
        {
          detail: file.key,
          hint: "Ask the source's owner; `.gz` stands at the end of compressed files alone.",
        },
      );
    }
    checked = true;
    yield chunk;
  }
  if (!checked && isPacked(file)) throw cutShort(file);
}

async function* unpack(
  file: StoredFile,
  content: AsyncIterable<Buffer>,
  inflation: number,
): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: INFLATED_BYTES });
  const input = Readable.from(content, { objectMode: false });
  input.on('error', (cause) => gunzip.destroy(cause));
  input.pipe(gunzip);
  let bytes = 0;
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > HARMLESS_BYTES && bytes > inflation * file.bytes) {
        throw new LimitExceeded(`A compressed file grows to more than ${inflation} times its size`, {
          detail: `${file.key}: ${file.bytes} bytes`,
          hint: "If that is meant, raise the dataset's bounds.inflation.",
        });
      }
      yield chunk;
    }
  } catch (cause) {
    throw gzipError(cause, file);
  } finally {
    input.destroy();
    gunzip.destroy();
  }
  // zlib passes over zeros after a member; a download that was never filled in would look whole.
  if (gunzip.bytesWritten < file.bytes) {
    throw new SourceBroken('A compressed file goes on after its end', {
      detail: `${file.key}: ${file.bytes - gunzip.bytesWritten} bytes too many`,
      hint: "Ask the source's owner to send it again.",
    });
  }
}

function gzipError(cause: unknown, file: StoredFile): unknown {
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
  if (code === 'Z_BUF_ERROR') return cutShort(file, cause);
  if (!code?.startsWith('Z_')) return cause;
  return new SourceBroken('A compressed file is damaged', {
    detail: `${file.key}: ${(cause as Error).message}`,
    hint: "Ask the source's owner to send it again.",
    cause,
  });
}

function cutShort(file: StoredFile, cause?: unknown): SourceBroken {
  return new SourceBroken('A compressed file was cut short', {
    detail: `${file.key}: ${file.bytes} bytes`,
    hint: "Ask the source's owner to send it again.",
    cause,
  });
}

async function* withoutMark(
  file: StoredFile,
  content: AsyncIterable<Buffer>,
  encoding: CsvSource['encoding'],
): AsyncGenerator<Buffer> {
  let atStart = true;
  for await (const chunk of startingWith(3, content)) {
    const mark = atStart ? markOf(chunk) : undefined;
    atStart = false;
    if (mark !== undefined && mark !== encoding) {
      throw new SourceContractBroken(`A file is declared as ${encoding}, and its mark says ${mark}`, {
        detail: file.key,
        hint: "Ask the source's owner, or change the encoding in the dataset's source.",
      });
    }
    yield mark === undefined ? chunk : chunk.subarray(3);
  }
}

function markOf(bytes: Buffer): 'utf-8' | 'utf-16' | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8';
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  return isUtf16 ? 'utf-16' : undefined;
}

/** The same bytes, the first chunk with at least so many of them, unless there are fewer in all. */
async function* startingWith(bytes: number, content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let start: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of content) {
    if (start === undefined) {
      yield chunk;
      continue;
    }
    start = Buffer.concat([start, chunk]);
    if (start.length < bytes) continue;
    yield start;
    start = undefined;
  }
  if (start !== undefined && start.length > 0) yield start;
}
