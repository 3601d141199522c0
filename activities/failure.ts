import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { NightTrainError } from '../rules/errors.ts';
import type { AttemptError } from '../rules/attempt.ts';

/** The one adapter from our errors to Temporal's: type, retryability and delay; the facts travel as details. */
export function toFailure(error: NightTrainError): ApplicationFailure {
  const facts: AttemptError = {
    name: error.name,
    message: error.message,
    ...(error.detail !== undefined && { detail: error.detail }),
    ...(error.hint !== undefined && { hint: error.hint }),
  };
  return ApplicationFailure.create({
    message: error.message,
    type: error.name,
    nonRetryable: !error.retryable,
    category: ApplicationFailureCategory.BENIGN, // logged here already: the SDK need not say it again
    details: [facts],
    ...(error.retryAfterMs !== undefined && { nextRetryDelay: error.retryAfterMs }),
  });
}
