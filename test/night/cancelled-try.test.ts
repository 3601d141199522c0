import { ActivityFailure, ApplicationFailure, CancelledFailure, RetryState } from '@temporalio/common';
import { expect, test } from 'vitest';
import { endOf, outcomeOf } from '../../workflows/outcome.ts';

/** What a workflow is told when a try fails and no other follows. */
function failedTry(retryState: RetryState): ActivityFailure {
  const cause = ApplicationFailure.retryable('no file yet', 'SourceNotReady');
  return new ActivityFailure('Activity task failed', 'extract', '1', retryState, 'worker', cause);
}

test('R13: a try that fails while the cancel is on its way to it leaves the attempt cancelled', () => {
  const cause = failedTry(RetryState.CANCEL_REQUESTED);
  expect(outcomeOf(cause)).toMatchObject({ outcome: 'cancelled' });
  expect(endOf(cause)).toBeInstanceOf(CancelledFailure);
});

test('the last try that fails leaves the attempt failed', () => {
  const cause = failedTry(RetryState.MAXIMUM_ATTEMPTS_REACHED);
  expect(outcomeOf(cause)).toMatchObject({ outcome: 'failed', error: { name: 'SourceNotReady' } });
  expect(endOf(cause)).toBeInstanceOf(ApplicationFailure);
});
