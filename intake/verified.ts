import { createHash } from 'node:crypto';
import { LandingCorrupt } from '../rules/errors.ts';
import type { LandingStore, StoredFile } from './landing.ts';

/**
 * A stored file's bytes, and at their end an error where they are not those that were written.
 * Whoever reads must not believe what came before the end was reached.
 * @param way how the store hands it out
 * @throws LandingCorrupt
 */
export async function* verified(
  landing: LandingStore,
  file: StoredFile,
  way: 'read' | 'lend' = 'read',
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of landing[way](file.key) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    yield chunk;
  }
  if (bytes !== file.bytes || hash.digest('hex') !== file.sha256) {
    throw new LandingCorrupt('A file of the landing store is not what was written', {
      detail: `${file.key}: ${bytes} bytes, written were ${file.bytes} with sha256 ${file.sha256}`,
      hint: 'Replay the day from its source, and look into the disk.',
    });
  }
}
