import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';
import type { OpenAttempt } from '../warehouse/stale.ts';

/** Of one run after the other; who resets more often than that has another problem. */
const MOST_RESETS = 50;

/**
 * The run that an attempt belongs to, and those that it was reset to one after the other: the last one may go on with
 * the attempt, under its first owner's name. Empty where Temporal no longer knows the run.
 */
export async function runsOf(
  temporal: Client,
  { workflowId, ownerRunId }: Pick<OpenAttempt, 'workflowId' | 'ownerRunId'>,
): Promise<WorkflowExecutionDescription[]> {
  const runs: WorkflowExecutionDescription[] = [];
  let runId: string | null | undefined = ownerRunId;
  while (runId && runs.length <= MOST_RESETS) {
    const run = await describe(temporal, workflowId, runId);
    if (!run) break;
    runs.push(run);
    runId = run.raw.workflowExtendedInfo?.resetRunId;
  }
  return runs;
}

async function describe(
  temporal: Client,
  workflowId: string,
  runId: string,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await temporal.workflow.getHandle(workflowId, runId).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
