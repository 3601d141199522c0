import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  log,
  ParentClosePolicy,
  setDefaultSignalHandler,
} from '@temporalio/workflow';
import { setHandler, startChild, uuid4, workflowInfo } from '@temporalio/workflow';
import type { DatasetDay } from '../rules/dataset-day.ts';
import type { ReplayInput } from '../rules/attempt.ts';
import { shortened, type RebootRequest, type ReplayRequest } from '../rules/replay-request.ts';
import type { PendingRequest } from '../activities/index.ts';
import { loadDay } from './load-day.ts';
import { coldReboot, loadWorkflowId, replayDay, WORKFLOW_TASK_TIMEOUT } from './messages.ts';
import { outcomeOf } from './outcome.ts';
import { bookkeeping, endRun, rebootAll } from './policies.ts';
import { dayIs, stateIs } from './search-attributes.ts';

/** Starts of one request in all: after a take-over another operator may have been quicker. */
const MOST_STARTS = 3;

/** Characters of what is pending that one run hands to the next: a payload over 2 MB would fail its task for ever. */
const MOST_CARRIED = 400_000;

/**
 * The one workflow that a plain signal finds. Handlers only enqueue; the loop never waits for a load; every request
 * and its answer is a row in nighttrain.request; what is pending survives continue-as-new (§3, Control).
 */
export async function control(carriedOver: readonly PendingRequest[] = []): Promise<void> {
  const queue: PendingRequest[] = [...carriedOver];
  // Cut on arrival: what is pending must fit into one payload when control continues as new.
  const enqueue = (kind: string, payload: unknown) =>
    void queue.push({ kind, payload: shortened(payload), arrivalId: uuid4() });
  setHandler(replayDay, (payload) => enqueue('replayDay', payload));
  setHandler(coldReboot, (payload) => enqueue('coldReboot', payload));
  setDefaultSignalHandler((name, ...payloads) => enqueue(name, payloads));

  let underWay = 0;
  const mayEnd = () => workflowInfo().continueAsNewSuggested && JSON.stringify(queue).length <= MOST_CARRIED;
  for (;;) {
    await condition(() => (mayEnd() ? underWay === 0 : queue.length > 0));
    if (mayEnd()) break;
    for (let next = queue.shift(); next; next = queue.shift()) {
      underWay += 1;
      void answer(next).finally(() => (underWay -= 1));
    }
  }
  await condition(allHandlersFinished);
  await continueAsNew<typeof control>(queue);
}

/** Judges a request and does what it asks for. Never throws: a request must not end the workflow. */
async function answer(pending: PendingRequest): Promise<void> {
  try {
    const judged = await bookkeeping.judgeRequest(pending);
    if (!judged) return;
    const { state, answer: text } = await (judged.kind === 'replayDay'
      ? start(judged.request)
      : reboot(judged.request));
    await bookkeeping.answerRequest(judged.request.requestId, state, text);
  } catch (error) {
    log.error('a request could not be answered', { kind: pending.kind, arrivalId: pending.arrivalId, error });
  }
}

interface Answer {
  readonly state: 'started' | 'refused' | 'failed';
  readonly answer: string;
}

/** The last take-over of each day that is under way, by workflow id. */
const takeOvers = new Map<string, Promise<unknown>>();

/** Take-overs of one day go one after the other: at once they would end each other's runs, and none would be left. */
async function start(request: ReplayRequest): Promise<Answer> {
  if (!request.takeOver) return startNow(request);
  const workflowId = loadWorkflowId(request);
  const turn = (takeOvers.get(workflowId) ?? Promise.resolve()).then(() => startNow(request));
  takeOvers.set(workflowId, turn);
  const answered = await turn;
  if (takeOvers.get(workflowId) === turn) takeOvers.delete(workflowId);
  return answered;
}

async function startNow({ dataset, businessDate, takeOver, input }: ReplayRequest): Promise<Answer> {
  const day: DatasetDay = { dataset, businessDate };
  const workflowId = loadWorkflowId(day);
  try {
    for (let starts = 1; starts <= MOST_STARTS; starts++) {
      const runId = await startReplay(day, workflowId, input);
      if (runId !== undefined) return { state: 'started', answer: `${workflowId} run ${runId}` };
      if (!takeOver) {
        return {
          state: 'refused',
          answer: `${dataset} of ${businessDate} is being loaded by another run of ${workflowId}`,
        };
      }
      if (starts < MOST_STARTS) await endRun(workflowId); // nobody is ended for whom nothing would be started
    }
    return { state: 'failed', answer: `other runs of ${workflowId} kept coming first` };
  } catch (error) {
    return { state: 'failed', answer: sentenceOf(error) };
  }
}

/** Ends everything, then, if asked, starts the last day of each dataset; those that others come after go first. */
async function reboot({ replayLast }: RebootRequest): Promise<Answer> {
  try {
    const { cancelled, terminated, sessionsEnded, last } = await rebootAll();
    const ended = `${cancelled} loads cancelled, ${terminated} terminated, ${sessionsEnded} sessions ended`;
    if (!replayLast) return { state: 'started', answer: ended };
    const started: string[] = [];
    for (const day of last) {
      const runId = await startReplay(day, loadWorkflowId(day), 'source');
      started.push(`${loadWorkflowId(day)} run ${runId ?? 'of somebody else'}`);
    }
    return { state: 'started', answer: [ended, ...started].join('; ') };
  } catch (error) {
    return { state: 'failed', answer: sentenceOf(error) };
  }
}

function sentenceOf(error: unknown): string {
  return outcomeOf(error).error.message;
}

/** The run that was started, or undefined where another run holds the day. */
async function startReplay(
  day: DatasetDay,
  workflowId: string,
  input: ReplayInput,
): Promise<string | undefined> {
  try {
    const child = await startChild(loadDay, {
      workflowId,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      typedSearchAttributes: [...dayIs(day), ...stateIs('running')],
      args: [{ ...day, kind: 'replay', input }],
    });
    return child.firstExecutionRunId;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
    throw error;
  }
}
