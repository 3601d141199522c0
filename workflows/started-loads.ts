import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, startChild } from '@temporalio/workflow';
import type { ReplayInput } from '../rules/attempt.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { loadDay } from './load-day.ts';
import { loadWorkflowId, WORKFLOW_TASK_TIMEOUT } from './messages.ts';
import { dayIs, stateIs } from './search-attributes.ts';

/** The loads that a run of `control` has started; Temporal allows 2,000 children that have not ended. */
export class StartedLoads {
  #open = 0;

  /** How many of them have not ended. */
  get open(): number {
    return this.#open;
  }

  /** The run that was started, or undefined where another run holds the day. It outlives `control`. */
  async start(day: DatasetDay, input: ReplayInput, release?: string): Promise<string | undefined> {
    try {
      const child = await startChild(loadDay, {
        workflowId: loadWorkflowId(day),
        workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
        parentClosePolicy: ParentClosePolicy.ABANDON,
        typedSearchAttributes: [...dayIs(day), ...stateIs('running')],
        args: [{ ...day, kind: 'replay', input, ...(release !== undefined && { release }) }],
      });
      this.#open += 1;
      const ended = () => void (this.#open -= 1); // however: its attempt says it
      child.result().then(ended, ended);
      return child.firstExecutionRunId;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
      throw error;
    }
  }
}
