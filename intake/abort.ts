/**
 * The same content, given up as soon as the signal is aborted, also while the next chunk is being waited for.
 * @throws the signal's reason
 */
export async function* untilAborted<T>(content: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  signal.throwIfAborted();
  const iterator = content[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const next = await unlessAborted(iterator.next(), signal);
      if (next.done) {
        ended = true;
        return;
      }
      yield next.value;
      signal.throwIfAborted();
    }
  } finally {
    // Not awaited: a source that hangs would hang its own cleaning up as well.
    if (!ended) void iterator.return?.()?.catch(() => undefined);
  }
}

/**
 * What is waited for, given up as soon as the signal is aborted. @throws the signal's reason
 *
 * A listener for each wait, taken off again: `Promise.race` with one promise for all of them keeps every value that
 * ever won until that promise settles, here the whole file (R14).
 */
export function unlessAborted<T>(value: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    value.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
