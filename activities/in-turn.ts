import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import type { Logger } from 'pino';
import { describe } from '../rules/errors.ts';
import { isConnectionLoss } from '../warehouse/failure.ts';

/**
 * Does the work for each, one after the other; one that fails keeps no other from its turn (R12), unless an engine
 * is gone.
 * @throws what the first of them failed with, once all have had their turn; what others failed with is logged
 */
export async function inTurn<T>(
  items: Iterable<T>,
  work: (item: T) => Promise<unknown>,
  log: Logger,
): Promise<void> {
  const failures: unknown[] = [];
  for (const item of items) {
    try {
      await work(item);
    } catch (error) {
      if (isOutage(error)) throw error;
      if (failures.push(error) > 1) log.warn({ error: describe(error) }, 'failed too');
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Whoever comes next would not get through either. What Temporal says of one alone, it does not say of all. */
function isOutage(error: unknown): boolean {
  const answer = error instanceof ServiceError ? error.cause : error;
  if (isGrpcServiceError(answer)) return SILENCE.includes(answer.code);
  return isConnectionLoss(error) || error instanceof ServiceError;
}

/** Of gRPC's codes: DEADLINE_EXCEEDED, UNAVAILABLE. */
const SILENCE: readonly number[] = [4, 14];
