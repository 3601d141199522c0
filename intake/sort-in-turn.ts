import { unlessAborted } from './abort.ts';
import { isLines } from './csv-records.ts';
import type { CsvBlock } from './csv.ts';
import type { Sorted } from './judge.ts';
import type { SharedMemory } from './shared-memory.ts';

/** How blocks of one file are sorted. */
export interface BlockSorter {
  sort(block: CsvBlock): Promise<Sorted>;
  /** Here and now. */
  sortAtHome(block: CsvBlock): Sorted;
}

/** A block that is being sorted. */
interface Ahead {
  readonly block: CsvBlock;
  readonly sorting: Promise<Sorted>;
}

/** Beyond this, one key has so many rows that neighbours are left as they are: it is no longer known that keys ascend. */
const MOST_BYTES = 1024 * 1024;

/**
 * Blocks of one file, sorted, in their order; what came holds until the next is asked for. Of two neighbours that share
 * a key one is made: rows of a key are looked at together.
 * @param ahead so many are being sorted behind the one whose turn it is, at least one
 * @param memory where blocks and their rows may lie
 */
export async function* sortInTurn(
  blocks: AsyncIterable<CsvBlock>,
  sorter: BlockSorter,
  ahead: number,
  signal: AbortSignal,
  memory?: SharedMemory,
): AsyncGenerator<Sorted> {
  const waiting: Ahead[] = [];
  let makesOne = true;
  const push = (block: CsvBlock) => {
    const sorting = sorter.sort(block);
    sorting.catch(() => undefined); // told when its turn comes
    waiting.push({ block, sorting });
  };
  async function* first() {
    const [{ block, sorting }, next] = waiting as [Ahead, Ahead?];
    const sorted = await unlessAborted(sorting, signal);
    const following = next && (await unlessAborted(next.sorting, signal));
    if (sorted.keys?.ascend === false) makesOne = false;
    if (makesOne && next && following && shareKey(sorted, following)) {
      makesOne = block.bytes.length <= MOST_BYTES;
      const whole = asOne(block, next.block);
      waiting.splice(0, 2, { block: whole, sorting: Promise.resolve(sorter.sortAtHome(whole)) });
      for (const { bytes } of [block, next.block]) memory?.giveBack(bytes);
      for (const { rows } of [sorted, following]) memory?.giveBack(rows);
      return;
    }
    waiting.shift();
    memory?.giveBack(block.bytes);
    yield sorted;
    memory?.giveBack(sorted.rows);
  }
  for await (const block of blocks) {
    push(block);
    while (waiting.length > ahead) yield* first();
  }
  while (waiting.length > 0) yield* first();
}

function shareKey({ keys }: Sorted, next: Sorted): boolean {
  return keys !== undefined && keys.last === next.keys?.first;
}

function asOne(block: CsvBlock, next: CsvBlock): CsvBlock {
  const by = block.bytes.length;
  const moved = next.runs.map((run) =>
    isLines(run)
      ? { ...run, start: run.start + by, next: run.next + by }
      : { ...run, start: run.start + by, end: run.end + by, next: run.next + by },
  );
  return {
    ...block,
    bytes: Buffer.concat([block.bytes, next.bytes]),
    runs: [...block.runs, ...moved],
  };
}
