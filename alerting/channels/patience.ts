import { setTimeout as wait } from 'node:timers/promises';
import { ChannelUnavailable } from '../../rules/errors.ts';

/** How long a provider of pages may take. Meanwhile somebody sleeps who should not. */
export interface Patience {
  readonly tries: number;
  /** For one call, milliseconds. */
  readonly callMs: number;
  /** Before the second try, milliseconds; each further one waits twice as long. */
  readonly firstPauseMs: number;
  /** A provider that asks for more than this, milliseconds, is given up: the next channel is there at once. */
  readonly longestPauseMs: number;
  /** For all tries together, milliseconds. */
  readonly wholeMs: number;
}

export const DEFAULT_PATIENCE: Patience = {
  tries: 4,
  callMs: 10_000,
  firstPauseMs: 500,
  longestPauseMs: 10_000,
  wholeMs: 45_000,
};

/**
 * Makes a call, again where it ends as ChannelUnavailable, within bounds (R14).
 * @param call is handed a signal that ends it when its time is over
 * @throws what the last try threw; the signal's reason once it is aborted
 */
export async function persist<Result>(
  call: (signal: AbortSignal) => Promise<Result>,
  patience: Patience,
  signal: AbortSignal,
): Promise<Result> {
  const end = performance.now() + patience.wholeMs;
  for (let tried = 1; ; tried++) {
    signal.throwIfAborted();
    try {
      const leftMs = Math.max(1, Math.ceil(end - performance.now()));
      return await call(AbortSignal.any([signal, AbortSignal.timeout(Math.min(patience.callMs, leftMs))]));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ChannelUnavailable) || tried >= patience.tries) throw error;
      const pauseMs = Math.max(error.retryAfterMs ?? 0, patience.firstPauseMs * 2 ** (tried - 1));
      if (pauseMs > patience.longestPauseMs || performance.now() + pauseMs >= end) throw error;
      await wait(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}
