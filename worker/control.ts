import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { DataSource } from 'typeorm';
import { requestIdOf, type PendingRequest } from '../rules/pending-request.ts';
import { CONTROL_ID, TASK_QUEUE, WORKFLOW_TASK_TIMEOUT } from '../workflows/messages.ts';
import { leftRequests } from './left-requests.ts';

/** Tries of one workflow task after which `control` is taken to be stuck; a frozen worker may swallow a few of them. */
const STUCK_TRIES = 10;

/** What is wrong with `control`, and with which of its runs. */
interface Trouble {
  readonly sentence: string;
  /** Undefined where Temporal knows of none. */
  readonly runId?: string;
  readonly isRunning?: boolean;
}

/**
 * Starts `control` where it does not run, so that a plain signal finds it, and starts it anew where its tasks fail
 * (§3). Whatever the last run had not answered goes to the new one.
 * @returns what was wrong, or undefined
 */
export async function ensureControl(client: Client, warehouse: DataSource): Promise<string | undefined> {
  const trouble = await troubleOf(client);
  if (!trouble) return undefined;
  const { sentence, runId, isRunning } = trouble;
  if (isRunning) await terminate(client, runId, sentence);
  const left = runId === undefined ? [] : await leftRequests(client, warehouse, runId);
  await start(client, left);
  return left.length === 0
    ? sentence
    : `${sentence}; requests that it had not answered, and that go on: ${left.length}`;
}

async function start(client: Client, left: readonly PendingRequest[]): Promise<void> {
  const handle = client.workflow.getHandle(CONTROL_ID);
  try {
    await client.workflow.start('control', {
      workflowId: CONTROL_ID,
      taskQueue: TASK_QUEUE,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      args: left.length > 0 ? [left] : [],
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    // Somebody was quicker, and may have known nothing of what is left. Under its old id nothing is done twice.
    for (const request of left) await handle.signal(request.kind, ...payloadsOf(request));
  }
}

function payloadsOf(request: PendingRequest): unknown[] {
  const { payload } = request;
  if (Array.isArray(payload)) return payload;
  if (typeof payload !== 'object' || payload === null) return [payload];
  return [{ ...payload, requestId: requestIdOf(request) }];
}

async function terminate(client: Client, runId: string | undefined, reason: string): Promise<void> {
  try {
    await client.workflow.getHandle(CONTROL_ID, runId).terminate(reason);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error; // another worker has done it
  }
}

async function troubleOf(client: Client): Promise<Trouble | undefined> {
  try {
    const { status, raw, runId } = await client.workflow.getHandle(CONTROL_ID).describe();
    if (status.name !== 'RUNNING')
      return { sentence: `it had ended (${status.name.toLowerCase().replaceAll('_', ' ')})`, runId };
    const isStuck = (raw.pendingWorkflowTask?.attempt ?? 0) >= STUCK_TRIES;
    return isStuck ? { sentence: 'its tasks fail', runId, isRunning: true } : undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { sentence: 'it was never started' };
    throw error;
  }
}
