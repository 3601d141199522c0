import { setTimeout as pause } from 'node:timers/promises';

/**
 * Asks until the answer is not undefined, or until the time is up (then undefined). A question that throws ends
 * the waiting at once.
 */
export async function waitFor<T>(
  question: () => Promise<T | undefined>,
  options: { withinMs: number; everyMs?: number; signal?: AbortSignal | undefined },
): Promise<T | undefined> {
  const deadline = performance.now() + options.withinMs;
  for (;;) {
    options.signal?.throwIfAborted();
    const answer = await question();
    if (answer !== undefined || performance.now() >= deadline) return answer;
    await pause(options.everyMs ?? 50, undefined, options.signal ? { signal: options.signal } : {});
  }
}
