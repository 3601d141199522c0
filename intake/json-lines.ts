import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { LandingStore, StoredFile } from './landing.ts';
import { verified } from './verified.ts';

/** One JSON document a line, also for readers that take U+2028 for a line's end. */
export function jsonLine(document: object): string {
  const text = JSON.stringify(document).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
  return `${text}\n`;
}

const CHUNK_CHARACTERS = 64 * 1024;

/** Documents as the bytes of their lines, many at a time: a write for each would take most of the time. */
export async function* jsonLines(documents: AsyncIterable<object>): AsyncGenerator<Buffer> {
  let text = '';
  for await (const document of documents) {
    text += jsonLine(document);
    if (text.length < CHUNK_CHARACTERS) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

/** The documents of such a file. @throws LandingCorrupt at its end where it is not what was written */
export async function* readJsonLines<Line>(landing: LandingStore, file: StoredFile): AsyncGenerator<Line> {
  const input = Readable.from(verified(landing, file), { objectMode: false });
  for await (const line of createInterface({ input, crlfDelay: Infinity })) yield JSON.parse(line) as Line;
}
