import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test, vi } from 'vitest';
import { untilAborted } from '../../intake/abort.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const CHUNK_BYTES = 1024 * 1024;
const CHUNKS = 200;

async function* chunks(): AsyncGenerator<Buffer> {
  for (let chunk = 0; chunk < CHUNKS; chunk++) yield Promise.resolve(Buffer.alloc(CHUNK_BYTES));
}

test('R14: a file that has been read is not kept in memory, however long its step goes on', async () => {
  const { signal } = new AbortController();
  const before = process.memoryUsage().arrayBuffers;
  let bytes = 0;
  for await (const chunk of untilAborted(chunks(), signal)) {
    bytes += chunk.length;
    if (bytes === CHUNKS * CHUNK_BYTES) await vi.waitUntil(isFewChunks, { timeout: 10_000 });
  }
  expect(bytes).toBe(CHUNKS * CHUNK_BYTES);

  /** Freed memory is given back by threads of their own, some time after the collection. */
  function isFewChunks(): boolean {
    collectGarbage();
    return process.memoryUsage().arrayBuffers - before < 20 * CHUNK_BYTES;
  }
});

test('a source that is silent is given up as soon as the step is aborted', async () => {
  const controller = new AbortController();
  const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) };
  const reading = untilAborted(silent, controller.signal).next();
  controller.abort(new Error('enough'));
  await expect(reading).rejects.toThrow('enough');
});
