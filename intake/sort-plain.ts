import type { Dataset } from '../rules/dataset.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import type { IntakeContext } from './context.ts';
import { readBlocks, type CsvBlock } from './csv.ts';
import { CsvSorter, type CsvPart } from './csv-sorter.ts';
import type { Sorted } from './judge.ts';
import { isPacked, type StoredFile } from './landing.ts';
import type { LandedPart } from './manifest.ts';
import type { KeyColumn } from './key-column.ts';
import type { Pace } from './pace.ts';
import { openLanded } from './read-part.ts';
import type { SharedMemory } from './shared-memory.ts';
import { sortInTurn } from './sort-in-turn.ts';

/** A landed CSV file in blocks. */
export interface PlainPart {
  readonly part: CsvPart;
  readonly file: StoredFile;
  /** @param memory where they lie, each until it is given back; otherwise in memory of their own */
  readonly blocks: (memory?: SharedMemory) => AsyncIterable<CsvBlock>;
}

/**
 * Undefined where the part is no CSV file, or each of its records must be looked at by itself.
 * @param key watched, so that copies of it are found
 */
export function openPlain(
  dataset: Dataset,
  day: DatasetDay,
  landed: LandedPart,
  { landing, signal }: Pick<IntakeContext, 'landing' | 'signal'>,
  pace: Pace,
  warn: (warning: string) => void = () => undefined,
  key?: KeyColumn,
): PlainPart | undefined {
  const { source } = dataset;
  const [file] = landed.files;
  const isPlain = !landed.isCorrected && !landed.superseded && !landed.reconsidered;
  if (source.kind !== 'csv' || !isPlain || !file) return undefined;
  const part = { dataset, source, businessDate: day.businessDate, part: landed.part, file: file.key, key };
  const blocks = (memory?: SharedMemory) => {
    // Unpacking reads ahead, so that it cannot have chunks that are lent.
    const way = memory && !isPacked(file) ? 'lend' : 'read';
    const content = openLanded(landing, file, signal, pace, way);
    return readBlocks(dataset, source, file, way === 'lend' ? content : inBlocks(content), warn, memory);
  };
  return { part, file, blocks };
}

/**
 * Sorts its records: in threads where it is large and they have room for the longest of them, otherwise here. What came
 * holds until the next is asked for.
 */
export async function* sortPlain(
  plain: PlainPart,
  { threads, signal }: Pick<IntakeContext, 'threads' | 'signal'>,
): AsyncGenerator<Sorted> {
  const { part, file, blocks } = plain;
  if (threads && plainBytes(file) >= WORTH_THREADS_BYTES && fitsThread(part)) {
    yield* threads.sort(plain, signal);
    return;
  }
  let sorter: CsvSorter | undefined;
  const sortAtHome = (block: CsvBlock) => (sorter ??= new CsvSorter(part, block.header)).sort(block);
  const home = { sort: async (block: CsvBlock) => sortAtHome(block), sortAtHome };
  yield* sortInTurn(blocks(), home, 1, signal);
}

/** What is smaller is sorted before a thread has begun. */
const WORTH_THREADS_BYTES = 8 * 1024 * 1024;
/** What gzip makes of a tenth of its bytes, about: how many they are is known only at its end. */
const PACKED_TO_PLAIN = 10;

/** A rejected record is up to six times as long in JSON, twice; a thread out of memory may take the process with it. */
const THREAD_RECORD_BYTES = 4 * 1024 * 1024;

function fitsThread({ dataset }: CsvPart): boolean {
  return dataset.bounds.recordBytes <= THREAD_RECORD_BYTES;
}

function plainBytes(file: StoredFile): number {
  return isPacked(file) ? PACKED_TO_PLAIN * file.bytes : file.bytes;
}

/** Enough for sorting to pay for its beginning and end, and few enough to be done in a few milliseconds. */
const BLOCK_BYTES = 256 * 1024;

/** The same bytes in fewer chunks. */
async function* inBlocks(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes < BLOCK_BYTES) continue;
    yield Buffer.concat(chunks);
    chunks = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(chunks);
}
