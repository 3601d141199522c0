import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { WORKER_STOPPED } from '../activities/step.ts';

/** Counts the steps that gave way to their worker's end: they rolled back, and are tried again elsewhere. */
export class Interruptions {
  count = 0;

  readonly interceptor: ActivityInterceptorsFactory = () => ({
    inbound: {
      execute: async (input, next) => {
        try {
          return await next(input);
        } catch (error) {
          if (error instanceof ApplicationFailure && error.type === WORKER_STOPPED) this.count += 1;
          throw error;
        }
      },
    },
  });
}
