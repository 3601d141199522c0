/** How often and how long a step is tried. Times in milliseconds. */
export interface StepPolicy {
  /** One try may last this long. */
  readonly timeoutMs: number;
  /** A try that is silent for this long is given up (R14). */
  readonly heartbeatMs: number;
  /** Tries in all, the first included. */
  readonly tries: number;
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
}

export type Step = 'extract' | 'transform' | 'load';

/**
 * What a night in flight goes by: taken from the declaration by `takeOver`, so that editing the dataset
 * changes the next night and never the running one (§2). Plain data: it travels in Temporal's payloads.
 */
export interface Plan {
  readonly write: 'replaceDay' | 'merge';
  readonly rejectLimitPercent: number;
  readonly allowEmpty: boolean;
  /** Parts that are transformed side by side. */
  readonly partsAtOnce: number;
  /** There are audits to run on the published night. */
  readonly hasWarnAudits: boolean;
  readonly steps: Readonly<Record<Step, StepPolicy>>;
}

const MINUTE = 60_000;

/** What a step does unless its dataset says otherwise. */
export const DEFAULT_STEPS: Readonly<Record<Step, StepPolicy>> = {
  extract: {
    timeoutMs: 60 * MINUTE,
    heartbeatMs: 30_000,
    tries: 5,
    firstRetryMs: 1_000,
    longestRetryMs: 5 * MINUTE,
  },
  transform: {
    timeoutMs: 60 * MINUTE,
    heartbeatMs: 30_000,
    tries: 3,
    firstRetryMs: 1_000,
    longestRetryMs: MINUTE,
  },
  load: {
    timeoutMs: 120 * MINUTE,
    heartbeatMs: 30_000,
    tries: 5,
    firstRetryMs: 1_000,
    longestRetryMs: MINUTE,
  },
};
