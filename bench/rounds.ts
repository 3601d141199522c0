import type { BenchHouse } from './house.ts';
import type { Held } from './memory.ts';

/** One way to do the same work, made ready: `take` is what is timed. */
export interface Way {
  readonly name: string;
  readonly take: () => Promise<Taken>;
}

export interface Taken {
  readonly ms: number;
  readonly memory?: Held;
}

/** A way's seconds in every round, and the most memory that any of them took. */
export interface Measured {
  readonly name: string;
  readonly seconds: readonly number[];
  readonly memory?: Held;
}

/**
 * Takes every way once a round, one after the other, so that the machine's moods strike all of them.
 * @param prepare makes a round's ways ready, the same ones in every round
 */
export async function measureRounds(
  house: BenchHouse,
  rounds: number,
  prepare: (round: number) => Promise<Way[]>,
  say: (line: string) => void,
): Promise<Measured[]> {
  const taken = new Map<string, Taken[]>();
  for (let round = 0; round < rounds; round++) {
    for (const { name, take } of await prepare(round)) {
      await house.settle();
      const one = await take();
      taken.set(name, [...(taken.get(name) ?? []), one]);
      say(`round ${round + 1}: ${name}: ${(one.ms / 1000).toFixed(2)} s`);
    }
  }
  return [...taken].map(([name, all]) => ({
    name,
    seconds: all.map(({ ms }) => ms / 1000),
    ...mostOf(all.flatMap(({ memory }) => memory ?? [])),
  }));
}

/** Milliseconds of some work. */
export async function timed(work: () => Promise<unknown>): Promise<Taken> {
  const begun = performance.now();
  await work();
  return { ms: performance.now() - begun };
}

function mostOf(all: readonly Held[]): { memory?: Held } {
  if (all.length === 0) return {};
  const worker = Math.max(...all.map((held) => held.worker));
  const server = Math.max(...all.map((held) => held.server));
  return { memory: { worker, server } };
}
