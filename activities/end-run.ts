import { setTimeout as wait } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Deps } from './deps.ts';
import { engineError } from './engine-error.ts';
import { runStep } from './step.ts';

/** How long a cancelled run may take to roll back before it is terminated. */
const LONGEST_CANCEL_MS = 10_000;

/** Ends the run that holds a day: cancels it, waits a bound, then terminates it (§3, Control). */
export const createEndRun = ({ temporal, log }: Deps) =>
  async function endRun(workflowId: string): Promise<void> {
    return runStep(log, async ({ signal, log: line }) => {
      const handle = temporal.workflow.getHandle(workflowId);
      try {
        await handle.cancel();
        const deadline = Date.now() + LONGEST_CANCEL_MS;
        while ((await handle.describe()).status.name === 'RUNNING') {
          if (Date.now() > deadline) {
            line.warn({ workflowId }, 'the run did not end when cancelled: terminated');
            await handle.terminate('taken over: it did not end when cancelled');
            return;
          }
          await wait(100, undefined, { signal });
        }
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return; // it ended by itself
        throw engineError(error, `The run of ${workflowId} could not be ended`);
      }
    });
  };
