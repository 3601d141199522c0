import type { Client } from '@temporalio/client';
import { optionalTsToDate } from '@temporalio/common/lib/time.js';
import { waitFor } from '../local/wait.ts';
import { Unanswered } from '../rules/errors.ts';
import { TASK_QUEUE } from '../workflows/messages.ts';
import type { Output } from './output.ts';

/** A waiting poll is answered, empty or not, within a minute: who has not asked for longer is gone. */
const POLL_MS = 75_000;

/** temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW */
const WORKFLOW_TASKS = 1;

const HINT =
  'Start one in another terminal: npx nighttrain up (or, beside engines that run already: npx nighttrain worker)';

/** Whether some worker asks for our work. Of one that was killed Temporal knows only after a minute. */
export async function hasWorker(client: Client): Promise<boolean> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: TASK_QUEUE },
    taskQueueType: WORKFLOW_TASKS,
  });
  const latest = (pollers ?? []).map(
    ({ lastAccessTime }) => optionalTsToDate(lastAccessTime)?.getTime() ?? 0,
  );
  return latest.some((polled) => polled > Date.now() - POLL_MS);
}

/**
 * Says so where no worker would take the work up. @throws Unanswered unless `isDetached`: then it waits for one
 */
export async function requireWorker(client: Client, output: Output, isDetached: boolean): Promise<void> {
  if (await hasWorker(client)) return;
  const message = `No worker polls the task queue '${TASK_QUEUE}'`;
  if (!isDetached) throw new Unanswered(`${message}; nothing was started`, { hint: HINT });
  output.note(`${message}: the work waits until one does. ${HINT}`);
}

/** Waits until some worker asks for our work, and says that it waits; false where none came in time. */
export async function waitForWorker(
  client: Client,
  output: Output,
  { withinMs, signal }: { readonly withinMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
  if (await hasWorker(client)) return true;
  output.note(
    `No worker polls the task queue '${TASK_QUEUE}' yet; one is waited for, up to ${withinMs / 1000} s. ${HINT}`,
  );
  const come = async () => ((await hasWorker(client)) ? true : undefined);
  return (await waitFor(come, { withinMs, everyMs: 200, signal })) ?? false;
}

/** The line for whoever follows work that nobody takes up. */
export const NO_WORKER = `No worker polls the task queue '${TASK_QUEUE}' any more; the load waits for one. ${HINT}`;
