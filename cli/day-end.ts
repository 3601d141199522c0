import { WorkflowFailedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure } from '@temporalio/common';
import type { DataSource } from 'typeorm';
import { waitFor } from '../local/wait.ts';
import { isRefusal, type AttemptError, type Outcome, type Receipt } from '../rules/attempt.ts';
import { dayLabel, type DatasetDay } from '../rules/dataset-day.ts';
import { findRunOutcome } from '../warehouse/run-outcome.ts';
import { loadWorkflowId, type DayLoaded } from '../workflows/messages.ts';

/** One run of `loadDay`, and where to ask about it. */
export interface Load {
  readonly client: Client;
  readonly warehouse: DataSource;
  readonly day: DatasetDay;
  readonly runId: string;
}

/** How a run ended: what the ledger says (§3). */
export interface DayEnd {
  readonly state: Outcome;
  /** The ledger had the day before, and nothing was done. */
  readonly alreadyLoaded: boolean;
  readonly receipt: Receipt | undefined;
  /** Why it is not loaded. */
  readonly error: AttemptError | undefined;
}

/** A cancelled run rolls back within seconds; a command waits for it no longer than this. */
export const LONGEST_CANCEL_MS = 15_000;

/** Waits for the end of a run. */
export async function waitForEnd(load: Load): Promise<DayEnd> {
  const { client, day, runId } = load;
  try {
    const handle = client.workflow.getHandle(loadWorkflowId(day), runId);
    const { receipt, alreadyLoaded } = (await handle.result()) as DayLoaded;
    return { state: 'loaded', alreadyLoaded, receipt, error: undefined };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return endByLedger(load, error);
  }
}

/** Cancels a run and waits for its end; undefined where it has not ended within `LONGEST_CANCEL_MS`. */
export async function cancelLoad(load: Load): Promise<DayEnd | undefined> {
  const handle = load.client.workflow.getHandle(loadWorkflowId(load.day), load.runId);
  try {
    await handle.cancel();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error; // it ended by itself
  }
  const hasEnded = async () => ((await handle.describe()).status.name === 'RUNNING' ? undefined : true);
  const ended = await waitFor(hasEnded, { withinMs: LONGEST_CANCEL_MS, everyMs: 100 });
  return ended && waitForEnd(load);
}

async function endByLedger({ warehouse, day, runId }: Load, failed: WorkflowFailedError): Promise<DayEnd> {
  const { state, receipt, error } = await findRunOutcome(warehouse, day, runId);
  if (receipt) return { state: 'loaded', alreadyLoaded: false, receipt, error: undefined };
  const end = endOfFailure(day, failed);
  // Who was terminated could not close its attempt.
  const known = state === undefined || state === 'running' ? end.state : state;
  return { state: known, alreadyLoaded: false, receipt: undefined, error: error ?? end.error };
}

function endOfFailure(
  day: DatasetDay,
  { cause, message }: WorkflowFailedError,
): Pick<DayEnd, 'state' | 'error'> {
  if (cause instanceof CancelledFailure) {
    const error = {
      name: 'Cancelled',
      message: `The load of ${dayLabel(day)} was cancelled; nothing was written`,
    };
    return { state: 'cancelled', error };
  }
  if (cause instanceof TerminatedFailure) {
    const error = {
      name: 'Terminated',
      message: `The load of ${dayLabel(day)} was terminated; nothing was written`,
    };
    return { state: 'failed', error };
  }
  if (cause instanceof ApplicationFailure) {
    const [facts] = (cause.details ?? []) as AttemptError[];
    const error = facts ?? { name: cause.type ?? 'Error', message: cause.message };
    return { state: isRefusal(error) ? 'refused' : 'failed', error };
  }
  return { state: 'failed', error: { name: cause?.name ?? 'Error', message: cause?.message ?? message } };
}
