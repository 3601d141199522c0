import { setInterval, clearInterval } from 'node:timers';
import { CancelledFailure, Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Logger } from 'pino';
import { NightTrainError } from '../rules/errors.ts';
import { toFailure } from './failure.ts';
import { withStepFields } from './step-lines.ts';

/** What a running step may say and must listen to. */
export interface StepContext {
  /** Aborted when the attempt is cancelled, timed out, or the worker ends. */
  readonly signal: AbortSignal;
  /** Remembered, and sent with the next heartbeat. */
  readonly progress: (progress: unknown) => void;
  readonly log: Logger;
  /** Of the workflow run that this step belongs to. */
  readonly ownerRunId: string;
  readonly workflowId: string;
}

const HEARTBEAT_MS = 1_000;

/** The failure's type of a step that gave way to its worker's end; it is tried again. */
export const WORKER_STOPPED = 'WorkerStopped';

/**
 * Runs a step under Temporal: heartbeats every second with the latest progress, maps our errors to failures,
 * and reports a cancellation as one. Every line that is logged meanwhile names the step, its workflow and its run.
 */
export async function runStep<T>(log: Logger, work: (context: StepContext) => Promise<T>): Promise<T> {
  const activity = Context.current();
  const { workflowExecution, activityType, attempt, isLocal } = activity.info;
  let latest: unknown;
  const beat = setInterval(() => !isLocal && activity.heartbeat(latest), HEARTBEAT_MS);
  const context: StepContext = {
    signal: activity.cancellationSignal,
    progress: (progress) => (latest = progress),
    log,
    ownerRunId: workflowExecution?.runId ?? '',
    workflowId: workflowExecution?.workflowId ?? '',
  };
  const fields = {
    step: activityType,
    try: attempt,
    workflow: workflowExecution?.workflowId,
    run: workflowExecution?.runId,
  };
  return withStepFields(fields, async () => {
    try {
      return await work(context);
    } catch (error) {
      throw failureOf(error, activity, log, isLocal);
    } finally {
      clearInterval(beat);
    }
  });
}

function failureOf(error: unknown, activity: Context, log: Logger, isLocal: boolean): unknown {
  if (activity.cancellationSignal.aborted) {
    log.info({ reason: activity.cancellationDetails }, 'step stopped');
    // A worker that ends is no reason to end the night: another worker takes the step up again.
    return activity.cancellationDetails?.workerShutdown === true && !isLocal
      ? ApplicationFailure.retryable('The worker was stopped', WORKER_STOPPED)
      : new CancelledFailure('The step was cancelled');
  }
  if (error instanceof NightTrainError) {
    log.warn(
      { error: error.message, detail: error.detail },
      error.retryable ? 'step failed, may be tried again' : 'step failed',
    );
    return toFailure(error);
  }
  log.error({ err: error }, 'step failed by an error that nobody foresaw');
  return error;
}
