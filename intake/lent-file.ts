import fs from 'node:fs/promises';

const CHUNK_BYTES = 256 * 1024;

/** A file's bytes in memory that is used again: a chunk holds until the next one is asked for. */
export async function* lendFile(file: string): AsyncGenerator<Buffer> {
  const memory = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  const handle = await fs.open(file, 'r');
  try {
    for (;;) {
      const { bytesRead } = await handle.read(memory, 0, CHUNK_BYTES);
      if (bytesRead === 0) return;
      yield memory.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}
