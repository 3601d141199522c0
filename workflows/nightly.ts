import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowFailure,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  sleep,
  upsertSearchAttributes,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow';
import type { BusinessDate } from '../rules/business-date.ts';
import type { PlannedNight } from '../activities/index.ts';
import { loadDay } from './load-day.ts';
import { loadWorkflowId, WORKFLOW_TASK_TIMEOUT, type DayLoaded } from './messages.ts';
import { endOf, failureOf, outcomeOf } from './outcome.ts';
import { bookkeeping } from './policies.ts';
import { dayIs, stateIs } from './search-attributes.ts';

/** Asked again after so long, each time a second later up to a minute: at 5 s half a day of waiting filled the history. */
const askAgainMs = (asked: number) => Math.min(5_000 + 1_000 * asked, 60_000);

/** One scheduled night of a dataset: its business date comes from the schedule's slot, never from the clock (R12). */
export async function nightly({ dataset }: { readonly dataset: string }): Promise<DayLoaded> {
  let businessDate: BusinessDate | null = null;
  try {
    const night = await plan(dataset);
    businessDate = night.businessDate;
    return await ride(dataset, night);
  } catch (cause) {
    if (cause instanceof ChildWorkflowFailure) throw endOfChild(cause, dataset, businessDate); // it has told of its end by itself
    const end = { dataset, businessDate, ...outcomeOf(cause) };
    await CancellationScope.nonCancellable(() => bookkeeping.raiseEnd(end));
    throw cause;
  }
}

async function ride(dataset: string, { businessDate, dueAt, after }: PlannedNight): Promise<DayLoaded> {
  const day = { dataset, businessDate };
  upsertSearchAttributes([...dayIs(day), ...stateIs(after.length > 0 ? 'waiting' : 'running')]);

  let missing = after.length > 0 ? await bookkeeping.notLoaded(after, businessDate) : [];
  for (let asked = 0; missing.length > 0; asked++) {
    if (Date.now() > Date.parse(dueAt)) throw waitedInVain(dataset, businessDate, missing);
    await sleep(askAgainMs(asked));
    missing = await bookkeeping.notLoaded(missing, businessDate);
  }
  upsertSearchAttributes(stateIs('running'));

  try {
    return await executeChild(loadDay, {
      workflowId: loadWorkflowId(day),
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      typedSearchAttributes: [...dayIs(day), ...stateIs('running')],
      args: [{ ...day, kind: 'nightly' }],
    });
  } catch (cause) {
    if (cause instanceof WorkflowExecutionAlreadyStartedError) throw isTaken(dataset, businessDate);
    throw cause;
  }
}

/** What the load ended with: in its own words, where it came as far as to have some. */
function endOfChild(
  failure: ChildWorkflowFailure,
  dataset: string,
  businessDate: BusinessDate | null,
): Error {
  if (CancellationScope.current().consideredCancelled) return failure; // it was this night that was cancelled
  if (failure.cause instanceof ApplicationFailure) return failure.cause;
  const [name, how] = isCancellation(failure) ? ['Cancelled', 'cancelled'] : ['Abandoned', 'ended'];
  return failureOf({
    name,
    message: `The load of ${dataset} of ${businessDate} was ${how}, by an operator or by who took the day over`,
    hint: `See what came of the day: npx nighttrain show ${dataset} ${businessDate}`,
  });
}

async function plan(dataset: string): Promise<PlannedNight> {
  const slot = scheduledAt(dataset);
  try {
    return await bookkeeping.planNight(dataset, slot);
  } catch (cause) {
    throw endOf(cause);
  }
}

function scheduledAt(dataset: string): string {
  const [slot] = workflowInfo().searchAttributes['TemporalScheduledStartTime'] ?? [];
  if (slot instanceof Date) return slot.toISOString();
  throw failureOf({
    name: 'NotScheduled',
    message: `The night of ${dataset} was not started by its schedule, so it has no business date`,
    hint: `Load one day by hand: npx nighttrain run ${dataset} --date YYYY-MM-DD`,
  });
}

function waitedInVain(dataset: string, businessDate: string, missing: readonly string[]) {
  return failureOf({
    name: 'PredecessorMissing',
    message: `${dataset} of ${businessDate} waited until its deadline for ${missing.join(', ')}`,
    hint: `Load ${missing[0]} of ${businessDate} first, then: npx nighttrain run ${dataset} --date ${businessDate}`,
  });
}

function isTaken(dataset: string, businessDate: string) {
  return failureOf({
    name: 'DayIsTaken',
    message: `${dataset} of ${businessDate} is being loaded by another run`,
    hint: `See which: npx nighttrain show ${dataset} ${businessDate}`,
  });
}
