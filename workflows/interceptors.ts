import type { WorkflowInterceptorsFactory } from '@temporalio/workflow';

/** Names that the SDK keeps for itself: a signal of such a name fails the workflow task, for ever. */
const RESERVED = /^__/;

/** A signal of a reserved name gets another one before the SDK sees it, and is refused like any that nobody knows (§3). */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  internals: [
    {
      activate(input, next) {
        for (const { signalWorkflow } of input.activation.jobs ?? []) {
          const name = signalWorkflow?.signalName;
          if (signalWorkflow && name && RESERVED.test(name)) signalWorkflow.signalName = `reserved:${name}`;
        }
        next(input);
      },
    },
  ],
});
