import { defaultPayloadConverter } from '@temporalio/common';
import { optionalTsToDate } from '@temporalio/common/lib/time.js';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { loadWorkflowId, progressQuery, type StepProgress } from '../workflows/messages.ts';
import type { Load } from './day-end.ts';

/** A step that failed and will be tried again. */
export interface Retry {
  readonly step: string;
  /** The try that comes next, or runs. */
  readonly attempt: number;
  /** 0 where there is no bound. */
  readonly tries: number;
  readonly problem: string;
  /** Undefined where the try runs already. */
  readonly nextTryAt: Date | undefined;
}

/** What can be seen of a running load from outside. */
export interface LoadLook {
  /** In the order in which they began; undefined where nobody answered. */
  readonly steps: readonly StepProgress[] | undefined;
  /** What the running steps' heartbeats last said, added up. */
  readonly rows: number;
  readonly bytes: number;
  readonly rowsPerSecond: number;
  /** Of the step that takes longest; undefined where nobody knows. */
  readonly secondsLeft?: number;
  readonly retries: readonly Retry[];
}

/** A worker that is busy, or none at all, must not hold up the view. */
const QUERY_MS = 2_000;

/** Looks at a run once: its own progress, its steps' heartbeats, its retries. */
export async function lookAt({ client, day, runId }: Load): Promise<LoadLook> {
  const handle = client.workflow.getHandle(loadWorkflowId(day), runId);
  const [{ raw }, steps] = await Promise.all([handle.describe(), queryProgress(client, handle)]);
  const beats = (raw.pendingActivities ?? []).map(beatOf);
  const sum = (figure: 'rows' | 'bytes' | 'rowsPerSecond') =>
    beats.reduce((total, beat) => total + (beat[figure] ?? 0), 0);
  const left = beats.flatMap(({ secondsLeft }) => secondsLeft ?? []);
  return {
    steps,
    rows: sum('rows'),
    bytes: sum('bytes'),
    rowsPerSecond: sum('rowsPerSecond'),
    ...(left.length > 0 && { secondsLeft: Math.max(...left) }),
    retries: (raw.pendingActivities ?? []).filter(isRetried).map(retryOf),
  };
}

/** Undefined where nobody answers: the run has not begun, or no worker is there. The view does without. */
async function queryProgress(
  client: Client,
  handle: { query(query: typeof progressQuery): Promise<StepProgress[]> },
): Promise<StepProgress[] | undefined> {
  const asked = client.withDeadline(Date.now() + QUERY_MS, () => handle.query(progressQuery));
  return asked.catch(() => undefined);
}

type Pending = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** What a step's heartbeat last said; steps say of themselves what they know. */
type Beat = Partial<Pick<LoadLook, 'rows' | 'bytes' | 'rowsPerSecond' | 'secondsLeft'>>;

function beatOf({ heartbeatDetails }: Pending): Beat {
  const [payload] = heartbeatDetails?.payloads ?? [];
  return (payload && defaultPayloadConverter.fromPayload<Beat | null>(payload)) ?? {};
}

function isRetried({ attempt, lastFailure }: Pending): boolean {
  return (attempt ?? 1) > 1 && lastFailure != null;
}

function retryOf({
  activityType,
  attempt,
  maximumAttempts,
  lastFailure,
  nextAttemptScheduleTime,
}: Pending): Retry {
  return {
    step: activityType?.name ?? 'a step',
    attempt: attempt ?? 1,
    tries: maximumAttempts ?? 0,
    problem: lastFailure?.message ?? 'failed',
    nextTryAt: optionalTsToDate(nextAttemptScheduleTime),
  };
}
