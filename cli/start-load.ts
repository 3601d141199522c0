import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { dayLabel } from '../rules/dataset-day.ts';
import { DayIsTaken } from '../rules/errors.ts';
import {
  loadWorkflowId,
  TASK_QUEUE,
  WORKFLOW_TASK_TIMEOUT,
  type LoadDayRequest,
} from '../workflows/messages.ts';
import { dayIs, stateIs } from '../workflows/search-attributes.ts';

/** Starts `loadDay`; answers the run's id. @throws DayIsTaken where another run holds the day (R11) */
export async function startLoad(client: Client, request: LoadDayRequest): Promise<string> {
  const { dataset, businessDate } = request;
  try {
    const handle = await client.workflow.start('loadDay', {
      workflowId: loadWorkflowId(request),
      taskQueue: TASK_QUEUE,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      typedSearchAttributes: [...dayIs(request), ...stateIs('running')],
      args: [request],
    });
    return handle.firstExecutionRunId;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new DayIsTaken(`${dayLabel(request)} is being loaded by another run`, {
      hint: `See which: npx nighttrain show ${dataset} ${businessDate}`,
    });
  }
}
