import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** Leaves of a day's flights a compressed file that ends in the middle of a row, as a full disk would. */
export async function breakFile(inbox: string, date: string): Promise<void> {
  const whole = join(inbox, 'flights', `${date}.csv`);
  const compressed = gzipSync(await readFile(whole));
  await writeFile(`${whole}.gz`, compressed.subarray(0, compressed.length / 2));
  await rm(whole);
}
