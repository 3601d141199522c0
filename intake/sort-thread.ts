/** Sorts blocks of landed files: what runs in each thread of `SortThreads`. */
import { parentPort } from 'node:worker_threads';
import { Column } from '../rules/columns.ts';
import { CsvSorter, type CsvPart } from './csv-sorter.ts';
import type { Header } from './csv-header.ts';
import type { Sorted } from './judge.ts';
import { asBuffer } from './as-buffer.ts';
import {
  asBlock,
  buffersOf,
  layDown,
  type FromThread,
  type Sendable,
  type ToThread,
} from './sort-messages.ts';

type Sort = (block: Sendable, room: Buffer) => Sorted;

const jobs = new Map<number, Sort>();

parentPort?.on('message', (message: ToThread) => {
  const { job } = message;
  switch (message.does) {
    case 'open':
      jobs.set(job, openJob(message.part, message.header));
      break;
    case 'close':
      jobs.delete(job);
      break;
    case 'sort':
      sort(message, jobs.get(job));
  }
});

function openJob(part: CsvPart, header: Header): Sort {
  const sorter = new CsvSorter({ ...part, dataset: withParsers(part.dataset) }, header);
  return (block, room) => sorter.sort(asBlock(block, header), room);
}

/** Columns cross as plain data. */
function withParsers(dataset: CsvPart['dataset']): CsvPart['dataset'] {
  const columns = Object.entries(dataset.columns).map(
    ([name, column]) => [name, new Column(column.form, column)] as const,
  );
  return { ...dataset, columns: Object.fromEntries(columns) };
}

function sort(
  { ticket, block, room }: ToThread & { readonly does: 'sort' },
  sortBlock: Sort | undefined,
): void {
  try {
    if (!sortBlock) throw new Error(`The job of ticket ${ticket} was never opened`);
    const away = layDown(sortBlock(block, asBuffer(room)), room);
    post({ ticket, sorted: away }, buffersOf(away));
  } catch {
    post({ ticket, sorted: undefined }, []);
  }
}

function post(message: FromThread, given: readonly ArrayBuffer[]): void {
  parentPort?.postMessage(message, given);
}
