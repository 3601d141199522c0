import { hostname, userInfo } from 'node:os';
import type { Client, SignalDefinition } from '@temporalio/client';
import type { DataSource } from 'typeorm';
import { waitFor } from '../local/wait.ts';
import { Unanswered } from '../rules/errors.ts';
import type { RequestRow } from '../warehouse/entities/request.ts';
import { findRequest, isAnswered } from '../warehouse/requests.ts';
import { CONTROL_ID, TASK_QUEUE, WORKFLOW_TASK_TIMEOUT } from '../workflows/messages.ts';

/** Who types: a claim, for Temporal checks no identity unless configured. */
export function requestedBy(): string {
  return `${userInfo().username}@${hostname()}`.slice(0, 200);
}

/** Signals `control`, and starts it where it does not run. The payload is plain JSON, as any client would send it (§3). */
export async function sendRequest(
  client: Client,
  signal: SignalDefinition<[unknown]>,
  payload: object,
): Promise<void> {
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
