import { dayLabel } from '../rules/dataset-day.ts';
import { DayIsTaken, RequestRefused, UsageError } from '../rules/errors.ts';
import { parseReplayRequest, type ReplayRequest } from '../rules/replay-request.ts';
import type { RequestRow } from '../warehouse/entities/request.ts';
import { replayDay } from '../workflows/messages.ts';
import { follow } from './follow.ts';
import type { OpenEngines } from './installation.ts';
import type { Output } from './output.ts';
import { answerTo, sendRequest } from './requests.ts';

/** What is sent: no more than was asked for, so that an older worker understands a newer command. */
export type ReplayPayload = Omit<ReplayRequest, 'input'> & Partial<Pick<ReplayRequest, 'input'>>;

/** `control` answers at once, unless it has to end another run first: that may take its time-out. */
const LONGEST_ANSWER_MS = 30_000;
const LONGEST_TAKE_OVER_MS = 90_000;

/** The same request, if `control` will understand it. @throws UsageError */
export function sound(request: ReplayPayload, command: string): ReplayPayload {
  const judged = parseReplayRequest(request, request.requestId);
  if (typeof judged !== 'string') return request;
  throw new UsageError(`The request cannot be sent: ${judged}`, {
    hint: `See: npx nighttrain ${command} --help`,
  });
}

/** Has `control` replay a day, and follows the replay to its end unless `isDetached`. */
export async function askReplay(
  engines: Pick<OpenEngines, 'client' | 'warehouse'>,
  request: ReplayPayload,
  isDetached: boolean,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const { dataset, businessDate, requestId } = request;
  await sendRequest(engines, replayDay, request, output);
  if (isDetached) {
    output.line(`Asked control to replay ${dayLabel(request)}, request ${requestId}`);
    output.document({ ...request });
    return;
  }
  const withinMs = request.takeOver ? LONGEST_TAKE_OVER_MS : LONGEST_ANSWER_MS;
  const hint = `See what came of it: npx nighttrain show ${dataset} ${businessDate}`;
  const answer = await answerTo(engines.warehouse, requestId, withinMs, { signal, hint });
  const runId = runStarted(request, answer);
  output.note(`Replaying ${dayLabel(request)}, request ${requestId}, run ${runId}`);
  await follow({ ...engines, day: { dataset, businessDate }, runId }, output, signal);
}

/** The run that the answer names. @throws DayIsTaken, RequestRefused where none was started */
function runStarted(request: ReplayPayload, { state, answer }: RequestRow): string {
  const [, runId] = / run (\S+)$/.exec(answer) ?? [];
  if (state === 'started' && runId !== undefined) return runId;
  const { dataset, businessDate } = request;
  const message = `The replay of ${dayLabel(request)} was not started: ${answer}`;
  if (answer.includes('another run')) {
    throw new DayIsTaken(message, {
      hint: `Wait for its end (npx nighttrain show ${dataset} ${businessDate}), or end it: npx nighttrain replay ${dataset} ${businessDate} --reason … --take-over`,
    });
  }
  throw new RequestRefused(message, {
    hint: `See what is known of the day: npx nighttrain show ${dataset} ${businessDate}`,
  });
}
