import { setTimeout as wait } from 'node:timers/promises';

/** An engine that does not answer by then is left alone: the spool, or the sweep, sees to the rest. */
export const LONGEST_ENGINE_MS = 5_000;

/**
 * Waits for an engine no longer than an alert may wait. @throws where it takes longer; its work may still be done
 * @param longestMs how long that is
 */
export async function inTime<T>(work: () => Promise<T>, longestMs = LONGEST_ENGINE_MS): Promise<T> {
  const late = new AbortController();
  const working = work();
  working.catch(() => undefined); // past the bound nobody listens
  try {
    return await Promise.race([working, tooLate(longestMs, late.signal)]);
  } finally {
    late.abort();
  }
}

async function tooLate(longestMs: number, signal: AbortSignal): Promise<never> {
  await wait(longestMs, undefined, { signal });
  throw new Error(`no answer within ${longestMs / 1000} s`);
}
