import { setTimeout as pause } from 'node:timers/promises';
import { isGrpcServiceError } from '@temporalio/client';
import { Cancelled, Unanswered } from '../rules/errors.ts';
import { dayLabel, type DatasetDay } from '../rules/dataset-day.ts';
import { cancelLoad, LONGEST_CANCEL_MS, waitForEnd, type DayEnd, type Load } from './day-end.ts';
import { plural } from './figures.ts';
import { lookAt } from './load-look.ts';
import type { Output } from './output.ts';
import { hasWorker, NO_WORKER } from './pollers.ts';
import { LineView, type StepView } from './step-view.ts';

const LOOK_MS = 400;
/** So many looks without an answer, and it is asked whether there is a worker at all. */
const SILENT_LOOKS = 10;

/**
 * Follows a run to its end and says what came of it; exit code 1 unless the day is in the warehouse. Once `signal` is
 * aborted it cancels the run, waits for its end, and says the ledger's outcome; exit code 130.
 */
export async function follow(load: Load, output: Output, signal: AbortSignal): Promise<void> {
  const view = await viewFor(output);
  const end = await watch(load, view, output, signal).catch((error: unknown) => {
    throw isGrpcServiceError(error) ? outOfSight(load, error) : error;
  });
  await view.end(end?.state === 'loaded');
  if (end) sayEnd(load, end, output);
  if (signal.aborted) process.exitCode = INTERRUPTED;
}

const INTERRUPTED = 130;

/** The list that moves takes a moment to load, and only a terminal can show it. */
async function viewFor(output: Output): Promise<StepView> {
  if (output.json || !process.stderr.isTTY) return new LineView(output);
  const { LiveView } = await import('./live-view.ts');
  return new LiveView();
}

/** Undefined where a cancelled run did not end in time. */
async function watch(
  load: Load,
  view: StepView,
  output: Output,
  signal: AbortSignal,
): Promise<DayEnd | undefined> {
  let isOver = false;
  const ending = waitForEnd(load).finally(() => (isOver = true));
  ending.catch(() => undefined); // heard of below, unless the run is cancelled
  for (let silent = 0; !isOver && !signal.aborted;) {
    await Promise.race([
      ending.catch(() => undefined),
      pause(LOOK_MS, undefined, { signal }).catch(() => undefined),
    ]);
    if (signal.aborted) break;
    const look = await lookAt(load);
    view.show(look);
    silent = look.steps ? 0 : silent + 1;
    if (silent === SILENT_LOOKS && !isOver && !(await hasWorker(load.client))) output.note(NO_WORKER);
  }
  return isOver || !signal.aborted ? ending : interrupt(load, output);
}

async function interrupt(load: Load, output: Output): Promise<DayEnd | undefined> {
  const { dataset, businessDate } = load.day;
  output.note(`Cancelling ${dayLabel(load.day)}: it rolls back; nothing half done stays.`);
  const end = await cancelLoad(load);
  if (!end) {
    output.note(
      `It did not end within ${LONGEST_CANCEL_MS / 1000} s; the cancel stands. See: npx nighttrain show ${dataset} ${businessDate}`,
    );
  }
  return end;
}

/** Prints an end as the command's answer, and sets the exit code. */
export function sayEnd({ day, runId }: Load, end: DayEnd, output: Output): void {
  const { state, alreadyLoaded, receipt, error } = end;
  if (receipt) output.line(sentenceOf(day, end));
  else output.note(sentenceOf(day, end));
  if (!receipt) {
    const hint = error?.hint ?? '';
    const more = `Every attempt: npx nighttrain show ${day.dataset} ${day.businessDate}`;
    output.note(
      [error?.detail, hint, hint.includes('npx nighttrain') ? '' : more].filter(Boolean).join('\n'),
    );
    process.exitCode = 1;
  }
  output.document({ ...day, runId, state, alreadyLoaded, receipt: receipt ?? null, error: error ?? null });
}

/** What became of the day, in one sentence. */
export function sentenceOf(day: DatasetDay, { state, alreadyLoaded, receipt, error }: DayEnd): string {
  if (!receipt) {
    const message = error?.message ?? state;
    return message.includes(day.businessDate) ? message : `${dayLabel(day)}: ${message}`;
  }
  const { dataset, businessDate, counts, committedAt } = receipt;
  if (alreadyLoaded) {
    return `${dayLabel(receipt)} is loaded already, since ${committedAt}; to load it again: npx nighttrain replay ${dataset} ${businessDate} --reason …`;
  }
  const { read, loaded, rejected, discarded, deduplicated } = counts;
  return `${dayLabel(receipt)} is loaded: ${plural(loaded, 'row')} of ${read} read, ${rejected} rejected, ${discarded} discarded, ${deduplicated} deduplicated`;
}

/** @throws Cancelled where somebody asked to stop before anything was started */
export function goOnUnless(signal: AbortSignal): void {
  if (signal.aborted) throw new Cancelled('Interrupted; nothing was started');
}

function outOfSight({ day: { dataset, businessDate } }: Load, cause: Error): Unanswered {
  return new Unanswered('Temporal no longer answers; the load goes on once it does', {
    detail: cause.message,
    hint: `See what came of it: npx nighttrain show ${dataset} ${businessDate}`,
    cause,
  });
}
