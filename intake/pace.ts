import { setImmediate as nextTurn } from 'node:timers/promises';
import type { IntakeContext, Progress } from './context.ts';

/** Work gives way to timers and sockets after so long, so that heartbeats go out and an abort arrives (R14). */
const TURN_MS = 25;
const TOLD_EVERY_MS = 500;

/** Tells how far a step has come, twice a second, and gives way in loops that await nothing real. */
export class Pace {
  rows = 0;
  bytes = 0;
  /** Where it is known before. */
  bytesInAll: number | undefined;
  readonly #signal: AbortSignal;
  #turn = performance.now();
  readonly #begun = performance.now();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  get progress(): Progress {
    const { rows, bytes, bytesInAll } = this;
    const seconds = (performance.now() - this.#begun) / 1000;
    const left = bytesInAll === undefined || bytes === 0 ? undefined : Math.max(bytesInAll / bytes - 1, 0);
    return {
      rows,
      bytes,
      rowsPerSecond: rows === 0 ? 0 : Math.round(rows / seconds),
      ...(left !== undefined && { secondsLeft: Math.ceil(left * seconds) }),
    };
  }

  /** @throws the signal's reason once it is aborted */
  async giveWay(): Promise<void> {
    if (performance.now() - this.#turn > TURN_MS) {
      await nextTurn();
      this.#turn = performance.now();
    }
    this.#signal.throwIfAborted();
  }
}

/**
 * Does a piece of work while its progress is told. An error of an aborted step is the signal's reason, whatever the
 * abort broke on its way.
 */
export async function atPace<Result>(
  { signal, progress }: Pick<IntakeContext, 'signal' | 'progress'>,
  work: (pace: Pace) => Promise<Result>,
): Promise<Result> {
  signal.throwIfAborted();
  const pace = new Pace(signal);
  const tell = () => progress(pace.progress);
  const telling = setInterval(tell, TOLD_EVERY_MS);
  try {
    const result = await work(pace);
    tell();
    return result;
  } catch (cause) {
    signal.throwIfAborted();
    throw cause;
  } finally {
    clearInterval(telling);
  }
}
