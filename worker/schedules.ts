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
import { localDate } from '../rules/business-date.ts';
import { ConfigurationError } from '../rules/errors.ts';
import { insideChanges } from '../rules/overdue.ts';
import { TASK_QUEUE, WORKFLOW_TASK_TIMEOUT, type SweepRequest } from '../workflows/messages.ts';

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
 * @throws ConfigurationError where a time lies inside a change of its zone's clock; then nothing is changed
 */
export async function applySchedules(
  client: Client,
  datasets: readonly Dataset[],
  dryRun = false,
): Promise<ScheduleChange[]> {
  keepOutOfChanges(datasets);
  const changes: ScheduleChange[] = [];
  const declared = new Set<string>();
  for (const wanted of wantedSchedules(datasets)) {
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

/**
 * Creates the schedules that are missing, and answers which. It changes and deletes none: in a rolling deployment an
 * older worker's sweep would take back what a newer one has just declared, and a deleted schedule catches nothing up.
 */
export async function createMissingSchedules(client: Client, datasets: Iterable<Dataset>): Promise<string[]> {
  const created: string[] = [];
  for (const wanted of wantedSchedules(datasets)) {
    if (await find(client, wanted.scheduleId)) continue;
    await client.schedule.create(wanted);
    created.push(wanted.scheduleId);
  }
  return created;
}

async function find(client: Client, scheduleId: string): Promise<ScheduleDescription | undefined> {
  try {
    return await client.schedule.getHandle(scheduleId).describe();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

function wantedSchedules(datasets: Iterable<Dataset>): ScheduleOptions[] {
  const nights = [...datasets].flatMap(({ name, schedule }) =>
    schedule ? [nightOptions(name, schedule)] : [],
  );
  return [...nights, ...SWEEPS];
}

async function applyOne(
  client: Client,
  wanted: ScheduleOptions,
  dryRun: boolean,
): Promise<ScheduleChange['action']> {
  const handle = client.schedule.getHandle(wanted.scheduleId);
  const found = await find(client, wanted.scheduleId);
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

/** Datasets whose schedule somebody has paused, and why. */
export async function pausedSchedules(
  client: Client,
): Promise<{ dataset: string; note: string | undefined }[]> {
  const paused: { dataset: string; note: string | undefined }[] = [];
  for await (const { scheduleId, state } of client.schedule.list()) {
    if (!scheduleId.startsWith(PREFIX) || !state.paused) continue;
    paused.push({ dataset: scheduleId.slice(PREFIX.length), note: state.note });
  }
  return paused;
}

/** Seen to every minute, hour and day; a day's that was missed is made up for, the others come again. No dataset's name has a `_`. */
const SWEEPS = [
  sweepOptions({ of: 'nights', every: '1 minute' }),
  sweepOptions({ of: 'storage', every: '1 hour' }),
  sweepOptions({ of: 'months', every: '1 day', catchUp: '12 hours' }),
  sweepOptions({ of: 'audits', every: '1 day', offset: '6 hours', catchUp: '12 hours' }), // when the nights are over
];

interface Sweep extends SweepRequest {
  readonly every: '1 minute' | '1 hour' | '1 day';
  readonly offset?: '6 hours';
  readonly catchUp?: '12 hours';
}

function sweepOptions(sweep: Sweep): ScheduleOptions {
  const { of, every, offset, catchUp = '1 minute' } = sweep;
  return {
    scheduleId: `${PREFIX}_sweep-${of}`,
    spec: { intervals: [{ every, ...(offset && { offset }) }] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: catchUp },
    action: {
      type: 'startWorkflow',
      workflowType: 'sweep',
      workflowId: `sweep/${of}`,
      taskQueue: TASK_QUEUE,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      args: [{ of } satisfies SweepRequest],
      memo: { declared: { ...sweep } },
    },
  };
}

/** How far ahead a schedule is held against the changes of its zone's clock. */
const DAYS_AHEAD = 800;

function nightOptions(name: string, schedule: Schedule): ScheduleOptions {
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
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      args: [{ dataset: name }],
      memo: { declared: { ...schedule } },
    },
  };
}

/**
 * Holds the schedules' times against the changes of their zones' clocks, as far as they can be foreseen.
 * @throws ConfigurationError where a clock never shows one of them on some day, or shows it twice (R12)
 */
export function keepOutOfChanges(datasets: readonly Dataset[]): void {
  for (const { name, schedule } of datasets) {
    if (!schedule || schedule.timeZone === 'UTC') continue;
    const today = localDate(new Date().toISOString(), schedule.timeZone);
    const inside = insideChanges(schedule, today, DAYS_AHEAD);
    if (inside.length === 0) continue;
    const cases = inside.map(
      ({ day, time, shown }) =>
        `On ${day} the clock of ${schedule.timeZone} ${shown === 'never' ? `never shows ${time}` : `shows ${time} twice`}.`,
    );
    throw new ConfigurationError(`The schedule of ${name} lies inside a daylight-saving change`, {
      detail: cases.join('\n'),
      hint: `Choose other times for 'at' and 'dueBy' in datasets/${name}.ts, or UTC.`,
    });
  }
}
