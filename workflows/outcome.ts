import { ApplicationFailureCategory, RetryState } from '@temporalio/common';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  isCancellation,
  TimeoutFailure,
} from '@temporalio/workflow';
import { isRefusal, type AttemptError, type Outcome } from '../rules/attempt.ts';

/** How an attempt ended that threw `cause`, and why in words. */
export function outcomeOf(cause: unknown): { readonly outcome: Outcome; readonly error: AttemptError } {
  if (isCancelled(cause)) {
    return { outcome: 'cancelled', error: { name: 'Cancelled', message: 'The load was cancelled' } };
  }
  const root = cause instanceof ActivityFailure ? cause.cause : cause;
  if (root instanceof ApplicationFailure) {
    const [facts] = (root.details ?? []) as AttemptError[];
    const error = facts ?? { name: root.type ?? 'Error', message: root.message };
    return {
      outcome: isRefusal(error) ? 'refused' : 'failed',
      error,
    };
  }
  if (root instanceof TimeoutFailure) {
    const step = cause instanceof ActivityFailure ? cause.activityType : 'the night';
    const message = `${step} did not end in time, or fell silent (${root.timeoutType})`;
    return { outcome: 'failed', error: { name: 'TimedOut', message } };
  }
  const message = root instanceof Error ? root.message : String(root);
  return { outcome: 'failed', error: { name: 'Error', message } };
}

/** The failure that a workflow ends with: its message is the sentence that an operator reads in any tool. */
export function failureOf(error: AttemptError): ApplicationFailure {
  return ApplicationFailure.create({
    message: [error.message, error.detail, error.hint].filter(Boolean).join('\n'),
    type: error.name,
    nonRetryable: true,
    category: ApplicationFailureCategory.BENIGN,
    details: [error],
  });
}

/** What a workflow throws that cannot go on: a cancellation as one, anything else in an operator's words. */
export function endOf(cause: unknown): unknown {
  if (isCancellation(cause)) return cause;
  return isCancelled(cause)
    ? new CancelledFailure('The load was cancelled')
    : failureOf(outcomeOf(cause).error);
}

/** Also a step whose try failed while the cancel was on its way to it, and that is not tried again for that reason. */
function isCancelled(cause: unknown): boolean {
  if (isCancellation(cause)) return true;
  return cause instanceof ActivityFailure && cause.retryState === RetryState.CANCEL_REQUESTED;
}
