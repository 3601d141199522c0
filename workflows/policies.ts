import {
  ActivityCancellationType,
  proxyActivities,
  proxyLocalActivities,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { Plan, Small, StepPolicy } from '../rules/plan.ts';
import type { Activities } from '../activities/index.ts';
import { hereIfSmall } from './here-if-small.ts';

/** Bookkeeping: short, close to the workflow, and worth trying until the database is back. */
export const bookkeeping = proxyLocalActivities<Activities>({
  startToCloseTimeout: '30 s',
  retry: { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '30 s', maximumAttempts: 20 },
});

/**
 * Small work of a night, without Temporal's round trips: one try, too short to hold up a cancel, which comes only after
 * it (R13).
 */
const here = proxyLocalActivities<Activities>({
  startToCloseTimeout: '2 s',
  retry: { maximumAttempts: 1 },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

/** A night's steps, with the retries and time-outs of its plan: editing a dataset never changes a night in flight (§2). */
export function steps({ steps: { extract, transform, load }, small, sortsInLoad }: Plan) {
  return {
    extract: proxyActivities<Activities>(optionsOf(extract)).extract,
    transform: hereIfSmall(
      (_attempt, landed) => small !== undefined && isSmallInput(landed, small),
      here.transform,
      proxyActivities<Activities>(optionsOf(transform)).transform,
    ),
    /** Whether the load sorts what has landed by itself: of a release each row is followed, and that is a step's work. */
    sortsInLoad: (landed: Landed) =>
      sortsInLoad === true && landed.release === undefined && !(small && isSmallInput(landed, small)),
    load: proxyActivities<Activities>(optionsOf(load)).load,
    auditNight: hereIfSmall(
      (_attempt, { counts }) => counts.loaded <= (small?.rows ?? -1),
      here.auditNight,
      proxyActivities<Activities>(optionsOf(load)).auditNight,
    ),
  };
}

type Landed = Parameters<Activities['transform']>[1];

/** By the bounds that the plan has: a night in flight goes on as it began. */
function isSmallInput(landed: Landed, small: Small): boolean {
  if (landed.bytes > small.bytes) return false;
  return small.parts === undefined || (landed.parts <= small.parts && landed.isPacked !== true);
}

function optionsOf({
  timeoutMs,
  heartbeatMs,
  tries,
  firstRetryMs,
  longestRetryMs,
}: StepPolicy): ActivityOptions {
  return {
    startToCloseTimeout: timeoutMs,
    heartbeatTimeout: heartbeatMs,
    retry: {
      initialInterval: firstRetryMs,
      backoffCoefficient: 2,
      maximumInterval: longestRetryMs,
      maximumAttempts: tries,
    },
    // Without it a cancelled workflow ends while its activity goes on, and commits (§3, Cancellation).
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  };
}

/** Ends the run that holds a day, for a take-over; or all of them. */
export const { endRun, rebootAll } = proxyActivities<Activities>({
  startToCloseTimeout: '60 s',
  heartbeatTimeout: '10 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '10 s', maximumAttempts: 5 },
});

/** The next sweep comes by itself: one that fails is not worth many tries. */
export const sweeping = proxyActivities<Activities>({
  startToCloseTimeout: '10 min',
  heartbeatTimeout: '10 s',
  retry: { initialInterval: '5 s', maximumAttempts: 2 },
});

/** Years of days that are folded for the first time take hours; what is left then is folded the next night. */
export const folding = proxyActivities<Activities>({
  startToCloseTimeout: '6 h',
  heartbeatTimeout: '30 s',
  retry: { initialInterval: '1 min', maximumAttempts: 3 },
});

/** Every row of the warehouse is counted: that takes its time, and nobody waits for it. */
export const auditing = proxyActivities<Activities>({
  startToCloseTimeout: '6 h',
  heartbeatTimeout: '30 s',
  retry: { initialInterval: '1 min', maximumAttempts: 2 },
});

/** Paging somebody is tried for as long as it takes: nobody else would do it. */
export const escalating = proxyActivities<Activities>({
  startToCloseTimeout: '3 min',
  heartbeatTimeout: '10 s',
  retry: { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '10 s' },
});
