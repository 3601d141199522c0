import { ActivityFailure, ApplicationFailure, CancellationScope } from '@temporalio/workflow';

/**
 * A step that is done within the workflow's own task where its work is small. Whatever keeps it from being done there (it
 * takes too long, the worker stops, the database is away) makes it a step like any other, with the retries of its plan.
 */
export function hereIfSmall<Args extends readonly unknown[], Result>(
  isSmall: (...args: Args) => boolean,
  here: (...args: Args) => Promise<Result>,
  asStep: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  const night = CancellationScope.current();
  return async (...args) => {
    if (!isSmall(...args)) return asStep(...args);
    try {
      // Whoever cancels the night is heard, but not a neighbour that has failed: a cancel that meets the end of a local
      // activity breaks its state machine, so that the workflow's task fails and is tried again, for up to minutes.
      return await new CancellationScope({ cancellable: true, parent: night }).run(() => here(...args));
    } catch (cause) {
      if (CancellationScope.current().consideredCancelled || isFinal(cause)) throw cause;
      return asStep(...args);
    }
  };
}

/** No try would end otherwise. */
function isFinal(cause: unknown): boolean {
  const root = cause instanceof ActivityFailure ? cause.cause : cause;
  return root instanceof ApplicationFailure && root.nonRetryable === true;
}
