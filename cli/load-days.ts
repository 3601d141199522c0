import type { Client } from '@temporalio/client';
import type { DataSource } from 'typeorm';
import type { AttemptKind } from '../rules/attempt.ts';
import type { BusinessDate } from '../rules/business-date.ts';
import { dayLabel } from '../rules/dataset-day.ts';
import { DayIsTaken, describe } from '../rules/errors.ts';
import { cancelLoad, LONGEST_CANCEL_MS, waitForEnd, type Load } from './day-end.ts';
import { sentenceOf } from './follow.ts';
import type { Output } from './output.ts';
import { startLoad } from './start-load.ts';

export interface DayToLoad {
  readonly businessDate: BusinessDate;
  readonly kind: AttemptKind;
}

/** Several days of one dataset. */
export interface DaysToLoad {
  readonly client: Client;
  readonly warehouse: DataSource;
  readonly dataset: string;
  readonly days: readonly DayToLoad[];
  readonly atOnce: number;
  readonly output: Output;
}

/**
 * Loads days, so many at once, and says a line for each; no day's end stops the others. Once `signal` is aborted no
 * more are started, and those that run are cancelled.
 * @returns how many did not load
 */
export async function loadDays(job: DaysToLoad, signal: AbortSignal): Promise<number> {
  const { days, atOnce } = job;
  const interrupted = whenAborted(signal);
  let next = 0;
  let done = 0;
  let unloaded = 0;
  const lane = async () => {
    while (next < days.length && !signal.aborted) {
      const day = days[next++] as DayToLoad;
      const { isLoaded, sentence } = await loadOne(job, day, interrupted);
      done += 1;
      if (!isLoaded) unloaded += 1;
      job.output.note(`[${done}/${days.length}] ${sentence}`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, days.length) }, lane));
  return unloaded;
}

interface OneEnd {
  readonly isLoaded: boolean;
  readonly sentence: string;
}

async function loadOne(
  job: DaysToLoad,
  { businessDate, kind }: DayToLoad,
  interrupted: Promise<undefined>,
): Promise<OneEnd> {
  const { client, warehouse, dataset } = job;
  const day = { dataset, businessDate };
  try {
    const runId = await startLoad(client, { ...day, kind });
    return await endOf({ client, warehouse, day, runId }, interrupted);
  } catch (error) {
    if (!(error instanceof DayIsTaken)) throw error;
    return { isLoaded: false, sentence: describe(error).replaceAll('\n', '; ') };
  }
}

async function endOf(load: Load, interrupted: Promise<undefined>): Promise<OneEnd> {
  const ending = waitForEnd(load);
  ending.catch(() => undefined); // heard of in the race, unless an interruption wins it
  const end = (await Promise.race([ending, interrupted])) ?? (await cancelLoad(load));
  if (end) return { isLoaded: end.state === 'loaded', sentence: sentenceOf(load.day, end) };
  const sentence = `${dayLabel(load.day)} did not end within ${LONGEST_CANCEL_MS / 1000} s; the cancel stands`;
  return { isLoaded: false, sentence };
}

function whenAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
