import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { LimitExceeded } from '../rules/errors.ts';
import type { CsvBlock } from './csv.ts';
import { CsvSorter, type CsvPart } from './csv-sorter.ts';
import type { Sorted } from './judge.ts';
import { roomForRows } from './plain-rows.ts';
import { pickUp, type FromThread, type Sendable, type ToThread } from './sort-messages.ts';
import type { PlainPart } from './sort-plain.ts';
import { sortInTurn, type BlockSorter } from './sort-in-turn.ts';
import { SharedMemory } from './shared-memory.ts';

/** Sources in a checkout, which a thread reads by tsx, as its main thread does; JavaScript in the published package. */
const fromSources = import.meta.url.endsWith('.ts');
const script = new URL(`./sort-thread${fromSources ? '.ts' : '.js'}`, import.meta.url);

function startThread(): Worker {
  const options = { name: 'sort', execArgv: [], resourceLimits: HEAPS };
  if (!fromSources) return new Worker(script, options);
  const begin = `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))})
    .then(({ register }) => { register(); return import(${JSON.stringify(script.href)}); });`;
  return new Worker(begin, { ...options, eval: true });
}

const MOST_THREADS = 4;
/** Of one file, for each thread: one that is being sorted, and one that it finds when that is done. */
const BLOCKS_AHEAD = 2;
const IDLE_MS = 30_000;
/** A thread holds a few blocks of some hundred kilobytes (R14). */
const HEAPS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 8 };

/** A broken quote makes each line behind it a run of its own, a million of them: more than such a heap has room for. */
const MOST_RUNS = 100_000;

/** Threads that sort blocks of large files, side by side; started when they are needed, ended when nobody is in need. */
export class SortThreads {
  readonly #most: number;
  #threads: SortThread[] = [];
  #jobs = 0;
  #open = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(most = Math.min(MOST_THREADS, availableParallelism())) {
    this.#most = most;
  }

  /**
   * The blocks of one file, sorted, in their order; what came holds until the next is asked for. A thread that has not
   * answered when this is given up is ended, for nothing else ends a pattern that never comes to its end (R13).
   * @throws as `CsvSorter` does; the signal's reason; LimitExceeded where a thread runs out of memory
   */
  async *sort(
    { part, blocks }: Pick<PlainPart, 'part' | 'blocks'>,
    signal: AbortSignal,
  ): AsyncGenerator<Sorted> {
    const memory = new SharedMemory();
    const job = new Job(++this.#jobs, part, memory, () => this.#leastBusy());
    clearTimeout(this.#idle);
    this.#open++;
    try {
      yield* sortInTurn(blocks(memory), job, BLOCKS_AHEAD * this.#most, signal, memory);
    } finally {
      job.close();
      if (--this.#open === 0) this.#idle = setTimeout(() => void this.close(), IDLE_MS).unref();
    }
  }

  /** Ends the threads; the next file starts others. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await Promise.all(this.#threads.splice(0).map((thread) => thread.end()));
  }

  #leastBusy(): SortThread {
    this.#threads = this.#threads.filter(({ isAlive }) => isAlive);
    const [least] = this.#threads.toSorted((a, b) => a.waiting - b.waiting);
    if (least && (least.waiting === 0 || this.#threads.length === this.#most)) return least;
    const thread = new SortThread();
    this.#threads.push(thread);
    return thread;
  }
}

/** One file, and the threads that know of it. */
class Job implements BlockSorter {
  readonly #number: number;
  readonly #part: CsvPart;
  readonly #memory: SharedMemory;
  readonly #leastBusy: () => SortThread;
  readonly #threads = new Set<SortThread>();
  #own: CsvSorter | undefined;
  #isClosed = false;

  constructor(number: number, part: CsvPart, memory: SharedMemory, leastBusy: () => SortThread) {
    this.#number = number;
    this.#part = part;
    this.#memory = memory;
    this.#leastBusy = leastBusy;
  }

  /** Where its thread is ended on account of another file, another thread sorts it. */
  async sort(block: CsvBlock): Promise<Sorted> {
    if (block.runs.length > MOST_RUNS) return this.sortAtHome(block);
    for (;;) {
      try {
        return (await this.#sortAway(this.#leastBusy(), block)) ?? this.sortAtHome(block);
      } catch (cause) {
        if (isOutOfMemory(cause)) throw this.#tooLarge(cause);
        if (!(cause instanceof ThreadEnded) || this.#isClosed) throw cause;
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const thread of this.#threads) thread.leave(this.#number);
  }

  async #sortAway(thread: SortThread, { header, ...block }: CsvBlock): Promise<Sorted | undefined> {
    if (!this.#threads.has(thread)) {
      this.#threads.add(thread);
      thread.post({ does: 'open', job: this.#number, part: this.#part, header });
    }
    // Never given back where the thread was ended: it may still be writing there.
    const room = this.#memory.take(roomForRows(block));
    const { sorted } = await thread.sort(this.#number, block, room);
    if (!sorted || sorted.rows instanceof Uint8Array) this.#memory.giveBack(room);
    return sorted && pickUp(sorted, room);
  }

  #tooLarge(cause: Error): LimitExceeded {
    const { dataset, file } = this.#part;
    return new LimitExceeded(`Records of ${dataset.name} need more memory than a sorting thread has`, {
      detail: `${file}: ${cause.message}`,
      hint: "Lower the dataset's bounds.recordBytes: longer records are rejected one by one.",
      cause,
    });
  }

  sortAtHome(block: CsvBlock): Sorted {
    this.#own ??= new CsvSorter(this.#part, block.header);
    return this.#own.sort(block);
  }
}

/** A thread was told to end before it had answered. */
class ThreadEnded extends Error {
  constructor() {
    super('A sorting thread was ended');
  }
}

function isOutOfMemory(cause: unknown): cause is Error {
  return cause instanceof Error && 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY';
}

interface Ticket {
  readonly job: number;
  readonly resolve: (answer: FromThread) => void;
  readonly reject: (cause: Error) => void;
}

class SortThread {
  isAlive = true;
  readonly #worker: Worker;
  readonly #tickets = new Map<number, Ticket>();
  #issued = 0;

  constructor() {
    this.#worker = startThread();
    this.#worker.on('message', (answer: FromThread) => {
      const ticket = this.#tickets.get(answer.ticket);
      this.#tickets.delete(answer.ticket);
      if (this.waiting === 0) this.#worker.unref();
      ticket?.resolve(answer);
    });
    this.#worker.on('error', (cause) => this.#died(cause));
    this.#worker.on('exit', (code) => this.#died(new Error(`A sorting thread ended with code ${code}`)));
    this.#worker.unref();
  }

  /** Blocks that it has not answered. */
  get waiting(): number {
    return this.#tickets.size;
  }

  post(message: ToThread): void {
    this.#worker.postMessage(message, []);
  }

  /** Nobody waits for its answers to this job any more. */
  leave(job: number): void {
    const owes = [...this.#tickets.values()].some((ticket) => ticket.job === job);
    if (owes) void this.end();
    else this.post({ does: 'close', job });
  }

  sort(job: number, block: Sendable, room: Uint8Array): Promise<FromThread> {
    if (!this.isAlive) return Promise.reject(new ThreadEnded());
    const ticket = ++this.#issued;
    this.#worker.ref(); // whoever waits for it keeps the process alive
    const answered = new Promise<FromThread>((resolve, reject) =>
      this.#tickets.set(ticket, { job, resolve, reject }),
    );
    this.post({ does: 'sort', job, ticket, block, room });
    return answered;
  }

  async end(): Promise<void> {
    this.#died(new ThreadEnded());
    await this.#worker.terminate();
  }

  /** Blocks are sorted in their order: the first one that is owed is what it died of, the others may live elsewhere. */
  #died(cause: Error): void {
    this.isAlive = false;
    for (const [index, { reject }] of [...this.#tickets.values()].entries())
      reject(index === 0 ? cause : new ThreadEnded());
    this.#tickets.clear();
  }
}
