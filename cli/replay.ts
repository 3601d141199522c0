import { findDataset } from '../rules/find-dataset.ts';
import { randomUUID } from 'node:crypto';
import { Option, type Command } from 'commander';
import type { ReplayInput } from '../rules/attempt.ts';
import type { BusinessDate } from '../rules/business-date.ts';
import { dayLabel, type DatasetDay } from '../rules/dataset-day.ts';
import { DayIsTaken, RequestRefused, UsageError } from '../rules/errors.ts';
import { parseReplayRequest, type ReplayRequest } from '../rules/replay-request.ts';
import type { RequestRow } from '../warehouse/entities/request.ts';
import { replayDay } from '../workflows/messages.ts';
import { dryRun } from './dry-run.ts';
import { follow, goOnUnless } from './follow.ts';
import { dateNamed, withInstallation } from './installation.ts';
import { Output } from './output.ts';
import { requireWorker } from './pollers.ts';
import { answerTo, requestedBy, sendRequest } from './requests.ts';
import { StopRequest } from './signals.ts';

interface ReplayOptions {
  readonly reason: string;
  readonly input?: ReplayInput;
  readonly dryRun?: boolean;
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
    .addOption(
      new Option('--input <from>', 'the source as it is now, or what landed before')
        .choices(['source', 'landing'])
        .default('source'),
    )
    .option('--dry-run', 'say what would change, by key, and change nothing')
    .option('--take-over', 'end the run that holds the day now')
    .option('--detach', 'do not wait for the answer')
    .option('--json', 'one JSON document on stdout')
    .action(replay);
}

async function replay(name: string, businessDate: BusinessDate, options: ReplayOptions): Promise<void> {
  const output = new Output(options.json ?? false);
  using stop = StopRequest.listen();
  await withInstallation(async (here) => {
    const { datasets, client, warehouse } = here;
    const dataset = findDataset(datasets, name).name;
    const { dryRun: isDryRun = false, input = 'source' } = options;
    if (isDryRun) return dryRun(here, { dataset, businessDate }, input, output, stop.signal);
    const request = requestOf({ dataset, businessDate }, options);
    await requireWorker(client, output, options.detach ?? false);
    goOnUnless(stop.signal);
    await sendRequest(here, replayDay, request, output);
    if (options.detach) {
      output.line(`Asked control to replay ${dayLabel(request)}, request ${request.requestId}`);
      output.document({ ...request });
      return;
    }
    const withinMs = request.takeOver ? LONGEST_TAKE_OVER_MS : LONGEST_ANSWER_MS;
    const hint = `See what came of it: npx nighttrain show ${dataset} ${businessDate}`;
    const answer = await answerTo(warehouse, request.requestId, withinMs, { signal: stop.signal, hint });
    const runId = runStarted(request, answer);
    output.note(`Replaying ${dayLabel(request)}, request ${request.requestId}, run ${runId}`);
    await follow({ client, warehouse, day: { dataset, businessDate }, runId }, output, stop.signal);
  });
}

/** What is sent: no more than was asked for, so that an older worker understands a newer command. */
function requestOf(day: DatasetDay, { reason, takeOver, input }: ReplayOptions): Payload {
  const request = {
    requestId: randomUUID(),
    ...day,
    requestedBy: requestedBy(),
    reason,
    takeOver: takeOver ?? false,
    ...(input === 'landing' && { input }),
  };
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
