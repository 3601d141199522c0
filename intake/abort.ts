/**
 * The same content, given up as soon as the signal is aborted, also while the next chunk is being waited for.
 * @throws the signal's reason
 */
export async function* untilAborted<T>(content: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  signal.throwIfAborted();
  const iterator = content[Symbol.asyncIterator]();
  const listening = new AbortController();
  const aborted = new Promise<never>((_resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true, signal: listening.signal });
  });
  // Without a handler of its own an abort between two chunks would be an unhandled rejection.
  aborted.catch(() => undefined);
  let ended = false;
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted]);
      if (next.done) {
        ended = true;
        return;
      }
      yield next.value;
      signal.throwIfAborted();
    }
  } finally {
    listening.abort();
    // Not awaited: a source that hangs would hang its own cleaning up as well.
    if (!ended) void iterator.return?.()?.catch(() => undefined);
  }
}
