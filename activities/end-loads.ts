import { setTimeout as wait } from 'node:timers/promises';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { openAttempts } from '../warehouse/stale.ts';
import type { Deps } from './deps.ts';
import { runsOf } from './owner-run.ts';

/** One workflow run. */
interface Run {
  readonly workflowId: string;
  readonly runId: string;
}

/** How long cancelled loads may take to roll back, together, before they are terminated. */
const LONGEST_CANCEL_MS = 8_000;

/** Cancels every running load and waiting night, waits a bound, terminates the rest; answers how many of each. */
export async function endLoads(
  { warehouse, temporal, log }: Pick<Deps, 'warehouse' | 'temporal' | 'log'>,
  signal: AbortSignal,
): Promise<{ cancelled: number; terminated: number }> {
  const runs = await runningLoads(warehouse, temporal);
  for (const run of runs) await unlessEnded(() => handleOf(temporal, run).cancel());
  const deadline = Date.now() + LONGEST_CANCEL_MS;
  let left = await stillRunning(temporal, runs);
  while (left.length > 0 && Date.now() < deadline) {
    await wait(100, undefined, { signal });
    left = await stillRunning(temporal, left);
  }
  for (const run of left) await terminate(temporal, run, log);
  return { cancelled: runs.length - left.length, terminated: left.length };
}

/** What Temporal lists and what the warehouse knows: the list lags a moment behind. */
async function runningLoads(warehouse: Deps['warehouse'], temporal: Client): Promise<Run[]> {
  const runs = new Map<string, Run>();
  const query = `ExecutionStatus = 'Running' and WorkflowType in ('nightly', 'loadDay')`;
  for await (const { workflowId, runId } of temporal.workflow.list({ query }))
    runs.set(runId, { workflowId, runId });
  for (const attempt of await openAttempts(warehouse, 0)) {
    for (const { workflowId, runId } of await runsOf(temporal, attempt))
      runs.set(runId, { workflowId, runId });
  }
  return stillRunning(temporal, [...runs.values()]);
}

async function stillRunning(temporal: Client, runs: readonly Run[]): Promise<Run[]> {
  const states = await Promise.all(
    runs.map((run) => unlessEnded(async () => (await handleOf(temporal, run).describe()).status.name)),
  );
  return runs.filter((_, index) => states[index] === 'RUNNING');
}

async function terminate(temporal: Client, run: Run, log: Logger): Promise<void> {
  log.warn({ ...run }, 'a load did not end when cancelled: terminated');
  await unlessEnded(() => handleOf(temporal, run).terminate('cold reboot: it did not end when cancelled'));
}

function handleOf(temporal: Client, { workflowId, runId }: Run) {
  return temporal.workflow.getHandle(workflowId, runId);
}

/** Undefined where the run has ended meanwhile. */
async function unlessEnded<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
