import { expect, test } from 'vitest';
import { CsvSorter } from '../../intake/csv-sorter.ts';
import { readBlocks, type CsvBlock } from '../../intake/csv.ts';
import { keyColumnOf } from '../../intake/key-column.ts';
import { SharedMemory } from '../../intake/shared-memory.ts';
import { sortInTurn } from '../../intake/sort-in-turn.ts';
import { csv, defineDataset, integer } from '../../rules/kit.ts';
import type { CsvSource } from '../../rules/source.ts';
import { dayOf } from '../support/intake.ts';

const counters = defineDataset({
  name: 'counters',
  about: 'One number, for tests.',
  table: 'counter',
  source: csv(),
  columns: { id: integer().orReject('no-id'), n: integer() },
  key: ['id'],
  write: 'replaceDay',
});
const MiB = 1024 * 1024;

/** Sorts a file in chunks of 256 KiB; answers how large the blocks were that two neighbours were made into. */
async function sizesOfMerged(content: Buffer, memory?: SharedMemory): Promise<number[]> {
  const source = counters.source as CsvSource;
  const file = { key: 'part-00001.csv', bytes: content.length, sha256: '' };
  const part = { dataset: counters, source, businessDate: dayOf('2024-03-15'), part: 1, file: file.key };
  const chunks = (async function* () {
    for (let at = 0; at < content.length; at += MiB / 4) yield content.subarray(at, at + MiB / 4);
  })();
  let sorter: CsvSorter | undefined;
  const sort = (block: CsvBlock) =>
    (sorter ??= new CsvSorter({ ...part, key: keyColumnOf(counters) }, block.header)).sort(block);
  const merged: number[] = [];
  const home = {
    sort: async (block: CsvBlock) => sort(block),
    sortAtHome: (block: CsvBlock) => {
      merged.push(block.bytes.length);
      return sort(block);
    },
  };
  const blocks = readBlocks(counters, source, file, chunks, () => undefined, memory);
  for await (const sorted of sortInTurn(blocks, home, 2, new AbortController().signal, memory))
    expect(sorted.count.read).toBeGreaterThan(0);
  return merged;
}

test('R14: however many rows share one key, only a megabyte or so of them is looked at together, and soon none', async () => {
  const merged = await sizesOfMerged(Buffer.from(`id,n\n${'7,1\n'.repeat((8 * MiB) / 4)}`));
  expect(Math.max(...merged)).toBeLessThan(1.5 * MiB);
  expect(merged.length).toBeLessThan(6);
});

test('keys that do not ascend are no reason to look at neighbours together', async () => {
  const merged = await sizesOfMerged(Buffer.from(`id,n\n${'9,1\n7,1\n9,1\n'.repeat((4 * MiB) / 12)}`));
  expect(merged).toEqual([]);
});

test('R14: memory that was given back is used again, also what was left of long records', async () => {
  const made = new Set<unknown>();
  class Counted extends SharedMemory {
    override take(bytes: number) {
      const piece = super.take(bytes);
      made.add(piece.buffer);
      return piece;
    }
  }
  const long = `${'1'.repeat(900_000)},1\n`; // no number, and longer than what is read at once
  await sizesOfMerged(Buffer.from(`id,n\n${long.repeat(40)}`), new Counted());
  expect(made.size).toBeLessThan(20);
});
