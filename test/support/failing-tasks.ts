import { msToTs } from '@temporalio/common/lib/time.js';
import { temporal } from '@temporalio/proto';
import { CONTROL_ID, TASK_QUEUE } from '../../workflows/messages.ts';
import type { House } from './house.ts';
import { until } from './intake.ts';

type Command = temporal.api.command.v1.ICommand;

/** Answers the next task of control as a worker of another version would: with these commands. No other may poll. */
export async function answerTask(house: House, commands: Command[]): Promise<void> {
  await house.client.workflowService.respondWorkflowTaskCompleted({
    namespace: house.name,
    taskToken: await nextTask(house),
    commands,
  });
}

/** A command that today's control does not issue, so that its history can be replayed by nobody. */
export const A_TIMER: Command = {
  commandType: temporal.api.enums.v1.CommandType.COMMAND_TYPE_START_TIMER,
  startTimerCommandAttributes: { timerId: '1', startToFireTimeout: msToTs('1 hour') },
};

/** Fails the task of control, again and again, as a worker does that cannot replay its history. */
export async function failTasks(house: House, times: number): Promise<void> {
  const tries = async () =>
    (await house.client.workflow.getHandle(CONTROL_ID).describe()).raw.pendingWorkflowTask?.attempt ?? 0;
  await until(async () => {
    if ((await tries()) >= times) return true;
    await house.client.workflowService.respondWorkflowTaskFailed({
      namespace: house.name,
      taskToken: await nextTask(house),
      cause: temporal.api.enums.v1.WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR,
    });
    return false;
  }, 30_000);
}

async function nextTask(house: House): Promise<Uint8Array> {
  for (;;) {
    const { taskToken, workflowExecution } = await house.client.withDeadline(Date.now() + 20_000, () =>
      house.client.workflowService.pollWorkflowTaskQueue({
        namespace: house.name,
        taskQueue: { name: TASK_QUEUE },
        identity: 'a worker of another version',
      }),
    );
    if (workflowExecution?.workflowId === CONTROL_ID) return taskToken; // and not a sweep's
  }
}
