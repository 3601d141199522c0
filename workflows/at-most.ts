import { CancellationScope, patched } from '@temporalio/workflow';

/**
 * Maps items side by side, at most `limit` at a time, answers in their order. After a failure it starts no more, cancels
 * what is under way, unless that is within the workflow's own task, and waits for it: whoever hears of the failure may clean
 * up.
 */
export async function atMost<T, R>(
  limit: number,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array<R>(items.length);
  let next = 0;
  let hasFailed = false;
  const lane = async () => {
    while (next < items.length && !hasFailed) {
      const index = next++;
      try {
        results[index] = await work(items[index] as T);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  await CancellationScope.cancellable(async () => {
    const lanes = Array.from({ length: Math.min(limit, items.length) }, lane);
    try {
      await Promise.all(lanes);
    } catch (failure) {
      if (patched(WAITS_FOR_NEIGHBOURS)) {
        CancellationScope.current().cancel();
        await Promise.allSettled(lanes);
      }
      throw failure;
    }
  });
  return results;
}

/** Nights that failed before this was so have gone on at once. */
const WAITS_FOR_NEIGHBOURS = 'waits for neighbours';
