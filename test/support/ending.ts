import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { AttemptError, Receipt } from '../../rules/attempt.ts';
import type { DayLoaded } from '../../workflows/messages.ts';

/** What came of a load, as whoever waited for its workflow is told. */
export type Ending =
  | { readonly state: 'loaded'; readonly alreadyLoaded: boolean; readonly receipt: Receipt }
  | { readonly state: 'failed' | 'cancelled' | 'terminated'; readonly error: AttemptError };

/** Waits for the end of a workflow that loads a day. */
export async function endingOf(handle: Pick<WorkflowHandle, 'result'>): Promise<Ending> {
  try {
    return { state: 'loaded', ...((await handle.result()) as DayLoaded) };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    const name = cause?.name ?? 'Error';
    if (cause instanceof CancelledFailure)
      return { state: 'cancelled', error: { name, message: cause.message } };
    if (!(cause instanceof ApplicationFailure))
      return { state: 'terminated', error: { name, message: cause?.message ?? error.message } };
    const [facts] = (cause.details ?? []) as AttemptError[];
    return { state: 'failed', error: facts ?? { name: cause.type ?? name, message: cause.message } };
  }
}

/** The receipt of a load that must have gone well. */
export function receiptOf(ending: Ending): Receipt {
  if (ending.state === 'loaded') return ending.receipt;
  throw new Error(`it is not loaded: ${ending.state}, ${JSON.stringify(ending.error)}`);
}
