import { isDeepStrictEqual } from 'node:util';
import {
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleDescription,
  type ScheduleOptions,
  type ScheduleOptionsAction,
} from '@temporalio/client';
import type { Dataset, Schedule } from '../rules/dataset.ts';
import { TASK_QUEUE } from '../workflows/messages.ts';

/** What bringing one schedule in line with its declaration takes. */
export interface ScheduleChange {
  readonly scheduleId: string;
  readonly action: 'create' | 'update' | 'delete' | 'keep';
}

const PREFIX = 'nighttrain/';

/** Days that Temporal may have been down and still starts every night that it missed (§3). */
const CATCH_UP = '7 days';

/**
 * Creates, updates and deletes schedules until they are what the datasets declare; a paused one stays paused.
 * @param dryRun only say what would change
 */
export async function applySchedules(
  client: Client,
  datasets: Iterable<Dataset>,
  dryRun = false,
): Promise<ScheduleChange[]> {
  const changes: ScheduleChange[] = [];
  const declared = new Set<string>();
  for (const dataset of datasets) {
    if (!dataset.schedule) continue;
    const wanted = optionsOf(dataset.name, dataset.schedule);
    declared.add(wanted.scheduleId);
    changes.push({ scheduleId: wanted.scheduleId, action: await applyOne(client, wanted, dryRun) });
  }
  for await (const { scheduleId } of client.schedule.list()) {
    if (!scheduleId.startsWith(PREFIX) || declared.has(scheduleId)) continue;
    if (!dryRun) await client.schedule.getHandle(scheduleId).delete();
    changes.push({ scheduleId, action: 'delete' });
  }
  return changes;
}

async function applyOne(
  client: Client,
  wanted: ScheduleOptions,
  dryRun: boolean,
): Promise<ScheduleChange['action']> {
  const handle = client.schedule.getHandle(wanted.scheduleId);
  const found = await handle.describe().catch((error: unknown) => {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  });
  if (!found) {
    if (!dryRun) await client.schedule.create(wanted);
    return 'create';
  }
  if (isDeepStrictEqual(declarationIn(found.action), declarationIn(wanted.action))) return 'keep';
  // `state` stays as it is: who paused a schedule resumes it. Slots missed while all was down stay owed.
  if (!dryRun) await handle.update(({ state }) => ({ ...wanted, state }));
  return 'update';
}

/** The declaration that a schedule was made from. */
function declarationIn(action: ScheduleOptionsAction | ScheduleDescription['action']): unknown {
  return action.memo?.['declared'];
}

function optionsOf(name: string, schedule: Schedule): ScheduleOptions {
  const [hour, minute] = schedule.at.split(':').map(Number) as [number, number];
  return {
    scheduleId: `${PREFIX}${name}`,
    spec: {
      calendars: [{ hour, minute, ...(schedule.cadence === 'monthly' && { dayOfMonth: 1 }) }],
      timezone: schedule.timeZone,
    },
    policies: { overlap: ScheduleOverlapPolicy.ALLOW_ALL, catchupWindow: CATCH_UP },
    action: {
      type: 'startWorkflow',
      workflowType: 'nightly',
      workflowId: `nightly/${name}`,
      taskQueue: TASK_QUEUE,
      args: [{ dataset: name }],
      memo: { declared: { ...schedule } },
    },
  };
}
