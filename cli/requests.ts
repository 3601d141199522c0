import { hostname, userInfo } from 'node:os';
import type { SignalDefinition } from '@temporalio/client';
import type { DataSource } from 'typeorm';
import { waitFor } from '../local/wait.ts';
import { Unanswered } from '../rules/errors.ts';
import type { RequestRow } from '../warehouse/entities/request.ts';
import { findRequest, isAnswered } from '../warehouse/requests.ts';
import { ensureControl } from '../worker/control.ts';
import { CONTROL_ID, TASK_QUEUE, WORKFLOW_TASK_TIMEOUT } from '../workflows/messages.ts';
import type { OpenEngines } from './installation.ts';
import type { Output } from './output.ts';

/** Who types: a claim, for Temporal checks no identity unless configured. */
export function requestedBy(): string {
  return `${userInfo().username}@${hostname()}`.slice(0, 200);
}

/**
 * Signals `control`, and starts it where it does not run, with all that an earlier run had not answered. The payload is
 * plain JSON, as any client would send it (§3).
 */
export async function sendRequest(
  { client, warehouse }: Pick<OpenEngines, 'client' | 'warehouse'>,
  signal: SignalDefinition<[unknown]>,
  payload: object,
  output: Output,
): Promise<void> {
  const trouble = await ensureControl(client, warehouse);
  if (trouble !== undefined) output.note(`${CONTROL_ID} was started again: ${trouble}`);
  await client.workflow.signalWithStart('control', {
    workflowId: CONTROL_ID,
    taskQueue: TASK_QUEUE,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    args: [],
    signal,
    signalArgs: [payload],
  });
}

/** The answer of `control`. @throws Unanswered past the bound: the request stays, and is answered once a worker is up */
export async function answerTo(
  warehouse: DataSource,
  requestId: string,
  withinMs: number,
  { signal, hint }: { readonly signal: AbortSignal; readonly hint: string },
): Promise<RequestRow> {
  const answered = async () => {
    const row = await findRequest(warehouse, requestId);
    return row && isAnswered(row.state) ? row : undefined;
  };
  const row = await waitFor(answered, { withinMs, everyMs: 100, signal });
  if (row) return row;
  throw new Unanswered(`control has not answered request ${requestId} within ${withinMs / 1000} s`, {
    detail: `It stays in ${CONTROL_ID}, and is answered once a worker takes it up.`,
    hint,
  });
}
