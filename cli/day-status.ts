import type { Client } from '@temporalio/client';
import type { AttemptError } from '../rules/attempt.ts';
import { latestOwed } from '../rules/night.ts';
import type { BusinessDate } from '../rules/business-date.ts';
import { daysBetween } from '../rules/business-date.ts';
import type { Counts } from '../rules/counts.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { dayState, type DayState } from '../rules/day-state.ts';
import type { Dataset } from '../rules/dataset.ts';
import type { DayRange, DayRecord } from '../warehouse/status.ts';
import { datesOf, MOST_DAYS_OF_RANGE } from './ranges.ts';

/** A line of `status`, in the names that scripts depend on (§6). */
export interface DayStatus extends DatasetDay {
  readonly state: DayState;
  readonly epoch: number | null;
  readonly attempts: number;
  readonly rowsRead: number | null;
  readonly rowsLoaded: number | null;
  readonly rowsRejected: number | null;
  readonly rowsDiscarded: number | null;
  readonly rowsDeduplicated: number | null;
  readonly loadId: string | null;
  readonly startedAt: string | null;
  readonly committedAt: string | null;
  readonly error: AttemptError | null;
}

/** The figures of a loaded day are the ledger's, of any other its latest attempt's. */
export function statusOf(record: DayRecord, isWaiting: boolean): DayStatus {
  const { dataset, businessDate, attempts, latest, published } = record;
  const state = dayState({ isPublished: published !== null, latest: latest?.state, isWaiting });
  const source = state === 'loaded' ? published : latest;
  return {
    dataset,
    businessDate,
    state,
    epoch: source?.epoch ?? null,
    attempts,
    ...rowsOf(source?.counts),
    loadId: published?.loadId ?? null,
    startedAt: source?.startedAt ?? null,
    committedAt: published?.committedAt ?? null,
    error: latest?.error ?? null,
  };
}

/** A day that nothing is known of, but that it waits or is missing. */
export function statusOfNothing(day: DatasetDay, isWaiting: boolean): DayStatus {
  return statusOf({ ...day, attempts: 0, isScheduled: false, latest: null, published: null }, isWaiting);
}

function rowsOf(counts: { readonly [Name in keyof Counts]: number | null } | undefined) {
  return {
    rowsRead: counts?.read ?? null,
    rowsLoaded: counts?.loaded ?? null,
    rowsRejected: counts?.rejected ?? null,
    rowsDiscarded: counts?.discarded ?? null,
    rowsDeduplicated: counts?.deduplicated ?? null,
  };
}

/**
 * The business dates that `status` expects of a dataset. Where no range says otherwise: of a dataset that its schedule
 * has loaded, those from its first scheduled night to the latest that the schedule owes; of one that operators alone
 * have loaded, those from the first known day to the last. The latest ten years at most.
 * @param known the days of the dataset of which anything is known, in order
 */
export function expectedDates(
  dataset: Dataset,
  { from, to }: Pick<DayRange, 'from' | 'to'>,
  known: readonly Pick<DayRecord, 'businessDate' | 'isScheduled'>[],
  now: string,
): BusinessDate[] {
  const firstNight = known.find(({ isScheduled }) => isScheduled)?.businessDate;
  const owed = dataset.schedule && latestOwed(dataset.schedule, now);
  const lastKnown = known.at(-1)?.businessDate;
  const first = from ?? firstNight ?? known[0]?.businessDate;
  const last = to ?? (from !== null || firstNight !== undefined ? latestOf(owed, lastKnown) : lastKnown);
  if (first === undefined || last === undefined) return [];
  return datesOf(dataset, daysBetween(first, last).slice(-MOST_DAYS_OF_RANGE));
}

function latestOf(a: BusinessDate | undefined, b: BusinessDate | undefined): BusinessDate | undefined {
  return a === undefined || (b !== undefined && b > a) ? b : a;
}

/** Names a day among others. */
export function dayKey({ dataset, businessDate }: DatasetDay): string {
  return `${dataset}/${businessDate}`;
}

const MOST_WAITING = 10_000;

/** The days whose night waits for what it comes after, by `dayKey`. */
export async function waitingDays(client: Client): Promise<Set<string>> {
  const waiting = new Set<string>();
  const query = `WorkflowType = 'nightly' and ExecutionStatus = 'Running' and NightTrainState = 'waiting'`;
  for await (const { searchAttributes } of client.workflow.list({ query })) {
    const [dataset] = searchAttributes['NightTrainDataset'] ?? [];
    const [businessDate] = searchAttributes['NightTrainBusinessDate'] ?? [];
    waiting.add(`${String(dataset)}/${String(businessDate)}`);
    if (waiting.size === MOST_WAITING) break;
  }
  return waiting;
}
