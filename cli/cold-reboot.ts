import { randomUUID } from 'node:crypto';
import { isGrpcServiceError } from '@temporalio/client';
import type { Command } from 'commander';
import { pino } from 'pino';
import { lastDays, rebootCold, type Rebooted } from '../activities/cold-reboot.ts';
import { dayLabel, type DatasetDay } from '../rules/dataset-day.ts';
import { Cancelled, NightTrainError, Unanswered } from '../rules/errors.ts';
import { evictionBy } from '../warehouse/evict.ts';
import { sqlStateOf, warehouseError } from '../warehouse/failure.ts';
import { ledgerOf } from '../warehouse/ledger.ts';
import { replayDay } from '../workflows/messages.ts';
import { waitForEnd } from './day-end.ts';
import { plural } from './figures.ts';
import { sentenceOf } from './follow.ts';
import { openCommandAlarm } from './command-alarm.ts';
import { openInstallation, OpenEngines, type Installation } from './installation.ts';
import { Output } from './output.ts';
import { waitForWorker } from './pollers.ts';
import { answerTo, requestedBy, sendRequest } from './requests.ts';
import { StopRequest } from './signals.ts';

/** Stopping takes some ten seconds; engines that have not answered all of it by then are not coming back by themselves. */
const LONGEST_STOP_MS = 60_000;
/** Whatever supervises the workers starts another one within this; so does an operator who was quick. */
const LONGEST_WAY_TO_WORK_MS = 30_000;
const LONGEST_ANSWER_MS = 60_000;
/** The answer says it all. */
const SILENT = pino({ level: 'silent' });
const AGAIN = 'npx nighttrain cold-reboot --replay-last';

export function addColdReboot(program: Command): void {
  program
    .command('cold-reboot')
    .description('stops every load, ends every session, and proves that nothing holds on; needs no worker')
    .option(
      '--replay-last',
      'then replay the last business day of each scheduled dataset, by signal to control; this needs a worker, ' +
        `which may come up to ${LONGEST_WAY_TO_WORK_MS / 1000} s later`,
    )
    .option('--json', 'one JSON document on stdout')
    .action(coldReboot);
}

async function coldReboot(options: {
  readonly replayLast?: boolean;
  readonly json?: boolean;
}): Promise<void> {
  const output = new Output(options.json ?? false);
  using stop = StopRequest.listen();
  const installation = await openInstallation();
  await using engines = await OpenEngines.open(installation).catch((error: unknown) => {
    throw notBegun(error);
  });
  const rebooted = await stopEverything(engines, installation, output, stop.signal);
  output.line(
    `Quiet: ${plural(rebooted.cancelled, 'load')} cancelled, ${rebooted.terminated} terminated, ` +
      `${plural(rebooted.sessionsEnded, 'session')} ended, ${plural(rebooted.attemptsClosed, 'attempt')} closed; ` +
      'nothing holds a lock or a session.',
  );
  const replays = options.replayLast ? await replayLast(engines, installation, output, stop.signal) : [];
  output.document({ ...rebooted, replays });
}

async function stopEverything(
  { warehouse, client }: OpenEngines,
  installation: Installation,
  output: Output,
  signal: AbortSignal,
): Promise<Rebooted> {
  const deps = {
    warehouse,
    temporal: client,
    log: SILENT,
    alarm: openCommandAlarm({ ...installation, warehouse, client }, output),
    ledger: ledgerOf(warehouse),
    eviction: evictionBy(warehouse),
  };
  try {
    return await client.withDeadline(Date.now() + LONGEST_STOP_MS, () => rebootCold(deps, signal));
  } catch (error) {
    throw unfinished(error, signal);
  }
}

interface Replayed extends DatasetDay {
  readonly isLoaded: boolean;
  readonly sentence: string;
}

/** One after the other: some come after others. Exit code 1 where one of the days is not loaded in the end. */
async function replayLast(
  engines: OpenEngines,
  { datasets }: Installation,
  output: Output,
  signal: AbortSignal,
): Promise<Replayed[]> {
  const days = lastDays(datasets, new Date().toISOString());
  const replays: Replayed[] = [];
  if (days.length === 0) {
    output.note('No dataset of this project has a schedule: there is no last day to replay.');
  } else if (!(await waitForWorker(engines.client, output, { withinMs: LONGEST_WAY_TO_WORK_MS, signal }))) {
    output.note(`No worker came; everything is stopped, and nothing was replayed. Once one is up: ${AGAIN}`);
    process.exitCode = 1;
    return replays;
  }
  for (const day of days) {
    const { isLoaded, sentence } = await replayOne(engines, day, output, signal);
    output.line(sentence);
    replays.push({ ...day, isLoaded, sentence });
    if (!isLoaded) process.exitCode = 1;
  }
  return replays;
}

async function replayOne(engines: OpenEngines, day: DatasetDay, output: Output, signal: AbortSignal) {
  const { client, warehouse } = engines;
  const requestId = randomUUID();
  const { dataset, businessDate } = day;
  const reason = 'cold reboot';
  const request = { requestId, dataset, businessDate, requestedBy: requestedBy(), reason };
  await sendRequest(engines, replayDay, request, output);
  const hint =
    'Temporal counts a worker that has just been killed or frozen for a minute: end it, start another (npx nighttrain ' +
    `worker), then see what came of it: npx nighttrain show ${dataset} ${businessDate}`;
  const { state, answer } = await answerTo(warehouse, requestId, LONGEST_ANSWER_MS, { signal, hint });
  const [, runId] = / run (\S+)$/.exec(answer) ?? [];
  if (state !== 'started' || runId === undefined) {
    return { isLoaded: false, sentence: `The replay of ${dayLabel(day)} was not started: ${answer}` };
  }
  const end = await waitForEnd({ client, warehouse, day, runId });
  return { isLoaded: end.state === 'loaded', sentence: sentenceOf(day, end) };
}

/** The role or the database is not known there: that passes by no waiting. */
const WRONG_LOGIN = /^(28|3D)/;

/** An engine that is down is an outage, not a wrong installation: exit code 1. */
function notBegun(error: unknown): unknown {
  if (!(error instanceof NightTrainError) || WRONG_LOGIN.test(sqlStateOf(error.cause) ?? '')) return error;
  const { message, detail, hint, cause } = error;
  return new Unanswered(`${message}; the cold reboot needs both engines, and has stopped nothing`, {
    ...(detail !== undefined && { detail }),
    hint: [hint, 'Bring it back, then type the command again: npx nighttrain cold-reboot']
      .filter(Boolean)
      .join('\n'),
    cause,
  });
}

/** What broke on the way: whatever was stopped by then stays stopped, and the rest is stopped by the next one. */
function unfinished(error: unknown, signal: AbortSignal): unknown {
  const hint = 'What was stopped stays stopped; type the command again: npx nighttrain cold-reboot';
  if (signal.aborted) return new Cancelled('Interrupted; the cold reboot is not finished', { hint });
  if (error instanceof NightTrainError) return error;
  if (!isGrpcServiceError(error)) return warehouseError(error, 'The cold reboot could not be finished');
  const detail = error.message;
  return new Unanswered('Temporal no longer answers; the cold reboot is not finished', {
    detail,
    hint,
    cause: error,
  });
}
