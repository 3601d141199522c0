import { WorkflowIdConflictPolicy, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { CONTROL_ID, TASK_QUEUE, WORKFLOW_TASK_TIMEOUT } from '../workflows/messages.ts';

/** Tries of one workflow task after which `control` is taken to be stuck; a frozen worker may swallow a few of them. */
const STUCK_TRIES = 10;

/**
 * Starts `control` where it does not run, so that a plain signal finds it, and starts it anew where its tasks fail (§3).
 * @returns what was wrong, or undefined
 */
export async function ensureControl(client: Client): Promise<string | undefined> {
  const trouble = await troubleOf(client);
  if (trouble === 'its tasks fail') await client.workflow.getHandle(CONTROL_ID).terminate(trouble);
  if (trouble === undefined) return undefined;
  await client.workflow.start('control', {
    workflowId: CONTROL_ID,
    taskQueue: TASK_QUEUE,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    args: [],
  });
  return trouble;
}

async function troubleOf(client: Client): Promise<string | undefined> {
  try {
    const { status, raw } = await client.workflow.getHandle(CONTROL_ID).describe();
    if (status.name !== 'RUNNING') return `it had ended (${status.name.toLowerCase().replaceAll('_', ' ')})`;
    return (raw.pendingWorkflowTask?.attempt ?? 0) >= STUCK_TRIES ? 'its tasks fail' : undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'it was never started';
    throw error;
  }
}
