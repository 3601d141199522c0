import {
  allHandlersFinished,
  condition,
  continueAsNew,
  log,
  setDefaultSignalHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  arrivedRequest,
  carriedRequests,
  requestIdOf,
  type PendingRequest,
} from '../rules/pending-request.ts';
import type { RebootRequest, ReplayRequest } from '../rules/replay-request.ts';
import { loadWorkflowId } from './messages.ts';
import { outcomeOf } from './outcome.ts';
import { bookkeeping, endRun, rebootAll } from './policies.ts';
import { StartedLoads } from './started-loads.ts';
import { Turns } from './turns.ts';
import { WaitingRequests } from './waiting-requests.ts';

/** Starts of one request in all: after a take-over another operator may have been quicker. */
const MOST_STARTS = 3;

/** Requests that are answered side by side: each may need a child and an activity, of which Temporal allows 2,000. */
const MOST_AT_ONCE = 100;

/** Loads that one run of control sees to; the next one begins to count at none. */
const MOST_OPEN_LOADS = 1_000;

/** What a run of control works with. */
interface Desk {
  /** Ids of the requests that are being answered. */
  readonly underWay: Set<string>;
  readonly loads: StartedLoads;
  /** Take-overs of one day: at once they would end each other's runs, and none would be left. */
  readonly turns: Turns;
}

/**
 * The one workflow that a plain signal finds. Its handler only enqueues; the loop never waits for a load; every request
 * and its answer is a row in nighttrain.request; what is pending survives continue-as-new (§3, Control).
 * @param carriedOver what is pending from an earlier run
 */
export async function control(carriedOver?: unknown): Promise<void> {
  const { runId } = workflowInfo();
  const waiting = new WaitingRequests();
  for (const request of carriedRequests(carriedOver, runId)) waiting.add(request);
  let ordinal = 0;
  // One handler for all names: several would hand out what waits for a run's begin name by name, not as it came.
  setDefaultSignalHandler((kind, ...payloads) =>
    waiting.add(arrivedRequest(kind, payloads, { runId, ordinal: ++ordinal })),
  );

  const desk: Desk = { underWay: new Set(), loads: new StartedLoads(), turns: new Turns() };
  const mustEnd = () =>
    (workflowInfo().continueAsNewSuggested || desk.loads.open >= MOST_OPEN_LOADS) && waiting.canBeCarried;
  const isOver = () => mustEnd() && desk.underWay.size === 0;
  const mayTake = () => !mustEnd() && desk.underWay.size < MOST_AT_ONCE && desk.loads.open < MOST_OPEN_LOADS;
  while (!isOver()) {
    const next = mayTake() ? waiting.take() : undefined;
    if (next) void answer(desk, next);
    else await condition(() => isOver() || (mayTake() && !waiting.isEmpty));
  }
  await condition(allHandlersFinished);
  await continueAsNew<typeof control>(waiting.all);
}

/** Judges a request and does what it asks for, unless that is under way. Never throws: it must not end the workflow. */
async function answer(desk: Desk, pending: PendingRequest): Promise<void> {
  const id = requestIdOf(pending);
  if (desk.underWay.has(id)) return;
  desk.underWay.add(id);
  try {
    const judged = await bookkeeping.judgeRequest(pending);
    if (!judged) return;
    const { state, answer: text } = await (judged.kind === 'replayDay'
      ? start(desk, judged.request)
      : reboot(desk, judged.request));
    await bookkeeping.answerRequest(judged.request.requestId, state, text);
  } catch (error) {
    log.error('a request could not be answered', { kind: pending.kind, arrivalId: pending.arrivalId, error });
  } finally {
    desk.underWay.delete(id);
  }
}

interface Answer {
  readonly state: 'started' | 'refused' | 'failed';
  readonly answer: string;
}

async function start(desk: Desk, request: ReplayRequest): Promise<Answer> {
  const work = () => startNow(desk, request);
  return request.takeOver ? desk.turns.of(loadWorkflowId(request), work) : work();
}

async function startNow({ loads }: Desk, request: ReplayRequest): Promise<Answer> {
  const { dataset, businessDate, takeOver, input, release } = request;
  const workflowId = loadWorkflowId(request);
  try {
    for (let starts = 1; starts <= MOST_STARTS; starts++) {
      const runId = await loads.start({ dataset, businessDate }, input, release);
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
async function reboot({ loads }: Desk, { replayLast }: RebootRequest): Promise<Answer> {
  try {
    const { cancelled, terminated, sessionsEnded, last } = await rebootAll();
    const ended = `${cancelled} loads cancelled, ${terminated} terminated, ${sessionsEnded} sessions ended`;
    if (!replayLast) return { state: 'started', answer: ended };
    const started: string[] = [];
    for (const day of last) {
      const runId = await loads.start(day, 'source');
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
