import { Cancelled } from '../rules/errors.ts';
import type { RunningWorker } from '../worker/run.ts';
import type { Output } from './output.ts';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const INTERRUPTED = 130;

/** npm hands on a Ctrl-C that the terminal has sent us already; one that comes later than this was meant. */
const IMPATIENT_MS = 2_000;
const PARENT_WATCH_MS = 500;

/** Somebody asked this process to stop; from `listen` on, nothing else happens by itself at such a signal. */
export class StopRequest implements Disposable {
  readonly #controller = new AbortController();
  #firstAt = 0;
  #watch: NodeJS.Timeout | undefined;
  readonly #abort = () => {
    if (!this.signal.aborted) {
      this.#firstAt = performance.now();
      this.#controller.abort(new Cancelled('Interrupted while it was starting; nothing was left half done'));
    } else if (performance.now() - this.#firstAt > IMPATIENT_MS) {
      process.exit(INTERRUPTED); // the next start finds the engines; what was being loaded rolls back
    }
  };

  static listen(): StopRequest {
    const request = new StopRequest();
    for (const name of STOP_SIGNALS) process.on(name, request.#abort);
    return request;
  }

  /** The same as a signal. */
  now(): void {
    this.#abort();
  }

  /**
   * Under `npx` a SIGTERM ends npm and its shell and never reaches us: their end is the request to stop.
   */
  orParentsEnd({ isUnderNpm }: { readonly isUnderNpm: boolean }): void {
    if (!isUnderNpm) return;
    const parent = process.ppid;
    this.#watch = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(this.#watch);
      this.#abort();
    }, PARENT_WATCH_MS).unref();
  }

  /** Aborted by the first signal; its reason is the error that a start ends with. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    for (const name of STOP_SIGNALS) process.off(name, this.#abort);
    clearInterval(this.#watch);
  }
}

const ROLLED_BACK = 1;

/**
 * Waits until the worker ends by itself or somebody asks for it. The exit code tells how: 0 where every running step
 * came to its end, 1 where one had to be rolled back.
 */
export async function untilStopped(
  worker: RunningWorker,
  { signal }: StopRequest,
  output: Output,
): Promise<void> {
  const stop = () => {
    output.note(
      'Draining: running steps end or roll back; nothing half done stays. (Once more: leave at once.)',
    );
    worker.stop().catch(() => undefined); // `done` reports it
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  await worker.done;
  if (worker.interrupted === 0) return;
  output.note(`${worker.interrupted} running steps were rolled back; the next worker takes them up again.`);
  process.exitCode = ROLLED_BACK;
}
