import { readdir, readFile } from 'node:fs/promises';

const EVERY_MS = 200;

/** Bytes of memory, each process with its children. */
export interface Held {
  readonly worker: number;
  readonly server: number;
}

/** Processes to look at. */
export interface Pids {
  readonly worker: number;
  readonly server: number;
  /** Children of the worker's process that are no part of it. */
  readonly others: readonly number[];
}

/**
 * The most memory that the worker and PostgreSQL held at one time, each with its children: the pages of each process
 * alone, and once what they have in common, such as shared buffers. By counters that the kernel keeps: to ask for shares
 * of pages (`Pss`) makes it walk through all of them, which took a seventh of its time from whoever was measured. 0 where
 * the system does not tell (Linux does).
 */
export class PeakMemory {
  readonly #pids: Pids;
  #peak: Held = { worker: 0, server: 0 };
  #isOver = false;
  readonly #watch: Promise<void>;

  constructor(pids: Pids) {
    this.#pids = pids;
    this.#watch = this.#look();
  }

  async end(): Promise<Held> {
    this.#isOver = true;
    await this.#watch;
    return this.#peak;
  }

  async #look(): Promise<void> {
    while (!this.#isOver) {
      const children = await childrenOfAll();
      const { worker, server, others } = this.#pids;
      this.#peak = {
        worker: Math.max(this.#peak.worker, await bytesOfTree(worker, children, [server, ...others])),
        server: Math.max(this.#peak.server, await bytesOfTree(server, children, [])),
      };
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }
}

async function childrenOfAll(): Promise<Map<number, number[]>> {
  const children = new Map<number, number[]>();
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(pid)]);
  }
  return children;
}

async function bytesOfTree(
  root: number,
  children: ReadonlyMap<number, readonly number[]>,
  without: readonly number[],
): Promise<number> {
  const below = (pid: number): number[] => [
    pid,
    ...(children.get(pid) ?? []).filter((child) => !without.includes(child)).flatMap(below),
  ];
  const held = await Promise.all(below(root).map(pagesOf));
  const most = (pages: (of: Pages) => number) => Math.max(0, ...held.map(pages));
  return held.reduce((sum, { own }) => sum + own, most(({ shared }) => shared) + most(({ files }) => files));
}

/** Bytes of a process's pages in memory. */
interface Pages {
  readonly own: number;
  readonly shared: number;
  readonly files: number;
}

async function pagesOf(pid: number): Promise<Pages> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''); // it may have ended
  const bytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return { own: bytes('RssAnon'), shared: bytes('RssShmem'), files: bytes('RssFile') };
}
