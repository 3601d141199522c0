import { readdir, readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { fareLines } from '../support/fares.ts';
import { openHouse } from '../support/house.ts';

const MIB = 1024 * 1024;

test('a million rows keep the worker and its children under 400 MB', async () => {
  await using house = await openHouse();
  const day = '2024-09-01';
  const note = 'paid in cash at the counter of the station'; // rows as wide as real ones
  const lines = fareLines(day, { good: 1_000_000 }).map((line) => (line.endsWith(',') ? line + note : line));
  await house.put('fares', `${day}.csv`, lines);
  const worker = await house.startWorkerProcess();
  const memory = new MemoryWatch(worker.pid);
  const begun = performance.now();
  expect(await house.run('fares', day)).toMatchObject({
    state: 'loaded',
    receipt: { counts: { loaded: 1_000_000 } },
  });
  const seconds = (performance.now() - begun) / 1000;
  const peak = await memory.stop();
  process.stderr.write(`a million rows: ${seconds.toFixed(1)} s, at most ${(peak / MIB).toFixed(0)} MiB\n`);
  expect(peak).toBeLessThan(400_000_000);
});

test('a thousand rows take under two seconds from start to receipt on a warm worker', async () => {
  await using house = await openHouse();
  await house.startWorkerProcess();
  const took: number[] = [];
  for (const day of ['2024-09-02', '2024-09-03', '2024-09-04', '2024-09-05']) {
    await house.put('fares', `${day}.csv`, fareLines(day, { good: 1_000 }));
    const begun = performance.now();
    await house.run('fares', day);
    took.push(performance.now() - begun);
  }
  const [, ...warm] = took;
  process.stderr.write(`a thousand rows: ${warm.map((ms) => ms.toFixed(0)).join(', ')} ms\n`);
  expect(Math.max(...warm)).toBeLessThan(2_000);
});

/** The greatest sum, so far, of what a process and its descendants hold, in bytes. Linux. */
class MemoryWatch {
  peak = 0;
  readonly #stop = new AbortController();
  readonly #watching: Promise<void>;

  constructor(pid: number) {
    this.#watching = this.#watch(pid);
  }

  async stop(): Promise<number> {
    this.#stop.abort();
    await this.#watching;
    return this.peak;
  }

  async #watch(pid: number): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.peak = Math.max(this.peak, await residentBytes(pid));
      await setImmediate();
    }
  }
}

async function residentBytes(root: number): Promise<number> {
  const parents = new Map<number, number>();
  const resident = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const status = await readFile(`/proc/${name}/status`, 'utf8').catch(() => ''); // it has ended meanwhile
    parents.set(Number(name), Number(/^PPid:\s+(\d+)/m.exec(status)?.[1] ?? 0));
    resident.set(Number(name), Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024);
  }
  const isBelow = (pid: number): boolean => pid === root || (pid > 1 && isBelow(parents.get(pid) ?? 0));
  return [...resident].reduce((sum, [pid, bytes]) => sum + (isBelow(pid) ? bytes : 0), 0);
}
