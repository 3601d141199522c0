import { StringDecoder } from 'node:string_decoder';
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
export function readJsonLines<Line>(landing: LandingStore, file: StoredFile): AsyncGenerator<Line> {
  return documentsOf<Line>(verified(landing, file));
}

/** The same of a file whose bytes nobody has kept the sum of. */
export function readUnverified<Line>(landing: LandingStore, key: string): AsyncGenerator<Line> {
  return documentsOf<Line>(landing.read(key) as AsyncIterable<Buffer>);
}

/**
 * The documents that stand on the lines of some bytes. Whoever has enough ends the reading: Node's readline reads on to
 * the end of a file that nobody listens to any more.
 */
export async function* documentsOf<Line>(bytes: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  const decoder = new StringDecoder('utf8');
  let begun: string[] = [];
  for await (const chunk of bytes) {
    const [first = '', ...more] = decoder.write(chunk).split('\n');
    begun.push(first);
    if (more.length === 0) continue;
    yield JSON.parse(begun.join('')) as Line;
    begun = more.splice(-1);
    for (const line of more) yield JSON.parse(line) as Line;
  }
  const last = begun.join('');
  if (last !== '') yield JSON.parse(last) as Line;
}
