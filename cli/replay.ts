import { randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import type { DataSource } from 'typeorm';
import { waitFor } from '../local/wait.ts';
import type { BusinessDate } from '../rules/business-date.ts';
import { dayLabel, type DatasetDay } from '../rules/dataset-day.ts';
import { DayIsTaken, RequestRefused, Unanswered, UsageError } from '../rules/errors.ts';
import { parseReplayRequest, type ReplayRequest } from '../rules/replay-request.ts';
import type { RequestRow } from '../warehouse/entities/request.ts';
import { findRequest, isAnswered } from '../warehouse/requests.ts';
import { CONTROL_ID, replayDay, TASK_QUEUE } from '../workflows/messages.ts';
import { follow, goOnUnless } from './follow.ts';
import { datasetNamed, dateNamed, withInstallation } from './installation.ts';
import { Output } from './output.ts';
import { requireWorker } from './pollers.ts';
import { StopRequest } from './signals.ts';

interface ReplayOptions {
  readonly reason: string;
  readonly takeOver?: boolean;
  readonly detach?: boolean;
  readonly json?: boolean;
}

/** `control` answers at once, unless it has to end another run first: that may take its time-out. */
const LONGEST_ANSWER_MS = 30_000;
const LONGEST_TAKE_OVER_MS = 90_000;

export function addReplay(program: Command): void {
  program
    .command('replay')
    .argument('<dataset>')
    .argument('<date>', 'the business date', dateNamed)
    .description('loads a day again, by signal to control; the version before moves to warehouse_history')
    .requiredOption('--reason <text>', 'why; it is kept with the request')
    .option('--take-over', 'end the run that holds the day now')
    .option('--detach', 'do not wait for the answer')
    .option('--json', 'one JSON document on stdout')
    .action(replay);
}

async function replay(name: string, businessDate: BusinessDate, options: ReplayOptions): Promise<void> {
  const output = new Output(options.json ?? false);
  using stop = StopRequest.listen();
  await withInstallation(async ({ datasets, client, warehouse }) => {
    const dataset = datasetNamed(datasets, name).name;
    const request = requestOf({ dataset, businessDate }, options);
    await requireWorker(client, output, options.detach ?? false);
    goOnUnless(stop.signal);
    await send(client, request);
    if (options.detach) {
      output.line(`Asked control to replay ${dayLabel(request)}, request ${request.requestId}`);
      output.document({ ...request });
      return;
    }
    const runId = runStarted(request, await answerTo(warehouse, request, stop.signal));
    output.note(`Replaying ${dayLabel(request)}, request ${request.requestId}, run ${runId}`);
    await follow({ client, warehouse, day: { dataset, businessDate }, runId }, output, stop.signal);
  });
}

/** What is sent: no more than was asked for, so that an older worker understands a newer command. */
function requestOf(day: DatasetDay, { reason, takeOver }: ReplayOptions): Payload {
  const requestedBy = `${userInfo().username}@${hostname()}`.slice(0, 200);
  const request = { requestId: randomUUID(), ...day, requestedBy, reason, takeOver: takeOver ?? false };
  const judged = parseReplayRequest(request, request.requestId);
  if (typeof judged !== 'string') return request;
  throw new UsageError(`The request cannot be sent: ${judged}`, {
    hint: 'See: npx nighttrain replay --help',
  });
}

type Payload = Pick<
  ReplayRequest,
  'requestId' | 'dataset' | 'businessDate' | 'requestedBy' | 'reason' | 'takeOver'
>;

/** Starts `control` where it does not run. The payload is plain JSON, as any other client would send it (§3). */
async function send(client: Client, request: Payload): Promise<void> {
  await client.workflow.signalWithStart('control', {
    workflowId: CONTROL_ID,
    taskQueue: TASK_QUEUE,
    args: [],
    signal: replayDay,
    signalArgs: [request],
  });
}

async function answerTo(warehouse: DataSource, request: Payload, signal: AbortSignal): Promise<RequestRow> {
  const withinMs = request.takeOver ? LONGEST_TAKE_OVER_MS : LONGEST_ANSWER_MS;
  const answered = async () => {
    const row = await findRequest(warehouse, request.requestId);
    return row && isAnswered(row.state) ? row : undefined;
  };
  const row = await waitFor(answered, { withinMs, everyMs: 100, signal });
  if (row) return row;
  throw new Unanswered(`control has not answered request ${request.requestId} within ${withinMs / 1000} s`, {
    detail: `It stays in ${CONTROL_ID}, and is answered once a worker takes it up.`,
    hint: `See what came of it: npx nighttrain show ${request.dataset} ${request.businessDate}`,
  });
}

/** The run that the answer names. @throws DayIsTaken, RequestRefused where none was started */
function runStarted(request: Payload, { state, answer }: RequestRow): string {
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
