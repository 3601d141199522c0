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
 * Up to here a night is small: Temporal's round trips would take longer than its work, which then has one try without them,
 * before those of its step.
 */
export interface Small {
  /** Of all landed parts, none of them packed: how much is in them is not known before. */
  readonly bytes: number;
  /** Landed ones: each is work of its own. Undefined in plans from before there was such a bound, nor one on packed files. */
  readonly parts?: number;
  /** Loaded ones. */
  readonly rows: number;
}

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
  /** Undefined in nights that were taken over before there was such a bound. */
  readonly small?: Small;
  /** Rows of a night that is not small are sorted while they are copied, without a step of their own. */
  readonly sortsInLoad?: true;
}

/** A megabyte in a few parts is staged within some 100 ms, and so many rows are audited within as many. */
export const SMALL: Small = { bytes: 1024 * 1024, parts: 8, rows: 20_000 };

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
