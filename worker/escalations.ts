import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Escalations } from '../activities/deps.ts';
import {
  alertChanged,
  deliveryChanged,
  escalationWorkflowId,
  TASK_QUEUE,
  WORKFLOW_TASK_TIMEOUT,
  type EscalationRequest,
} from '../workflows/messages.ts';

/** A Temporal that does not answer by then keeps nobody waiting: what could not be started stays due. */
const LONGEST_CALL_MS = 5_000;

/** Escalations as workflows, one an alert. */
export function escalationsOf(client: Client): Escalations {
  const inTime = <T>(call: () => Promise<T>) => client.withDeadline(Date.now() + LONGEST_CALL_MS, call);
  const tell = async (alertId: string, signal: string) => {
    try {
      await inTime(() => client.workflow.getHandle(escalationWorkflowId(alertId)).signal(signal));
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error; // over: it needs no telling
    }
  };
  return {
    async start(alertId) {
      // The signal makes one that is about to end look once more: the alert may have fired again.
      await inTime(() =>
        client.workflow.signalWithStart('escalation', {
          workflowId: escalationWorkflowId(alertId),
          taskQueue: TASK_QUEUE,
          workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
          args: [{ alertId } satisfies EscalationRequest],
          signal: alertChanged.name,
        }),
      );
    },
    async isRunning(alertId) {
      try {
        const { status } = await inTime(() =>
          client.workflow.getHandle(escalationWorkflowId(alertId)).describe(),
        );
        return status.name === 'RUNNING';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    },
    alertChanged: (alertId) => tell(alertId, alertChanged.name),
    deliveryChanged: (alertId) => tell(alertId, deliveryChanged.name),
  };
}
