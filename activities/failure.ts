import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { NightTrainError } from '../rules/errors.ts';
import type { AttemptError } from '../rules/attempt.ts';
import { sqlStateOf } from '../warehouse/failure.ts';

/** The one adapter from our errors to Temporal's: type, retryability and delay; the facts travel as details. */
export function toFailure(error: NightTrainError): ApplicationFailure {
  const facts = factsOf(error);
  return ApplicationFailure.create({
    message: error.message,
    type: error.name,
    nonRetryable: !error.retryable,
    category: ApplicationFailureCategory.BENIGN, // logged here already: the SDK need not say it again
    details: [facts],
    ...(error.retryAfterMs !== undefined && { nextRetryDelay: error.retryAfterMs }),
  });
}

/** An error as the attempt, its workflow and its alert keep it. */
export function factsOf(error: NightTrainError): AttemptError {
  const code = codeBehind(error);
  return {
    name: error.name,
    message: error.message,
    ...(error.detail !== undefined && { detail: error.detail }),
    ...(error.hint !== undefined && { hint: error.hint }),
    ...(code !== undefined && { code }),
  };
}

/** What PostgreSQL, or the socket, said at the bottom of it. */
function codeBehind(error: Error): string | undefined {
  const code = sqlStateOf(error);
  if (code !== undefined) return code;
  return error.cause instanceof Error ? codeBehind(error.cause) : undefined;
}
