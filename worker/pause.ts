import { ScheduleNotFoundError, type Client } from '@temporalio/client';
import { NothingThere } from '../rules/errors.ts';
import { endOfPause } from '../rules/pause.ts';

/** Starts no night of the dataset until somebody resumes it. @returns false where it is paused already */
export async function pauseSchedule(client: Client, dataset: string, note: string): Promise<boolean> {
  return setPaused(client, dataset, true, note);
}

/** Lets the schedule fire again; slots that passed meanwhile are not made up for. @returns false where it was not paused */
export async function resumeSchedule(client: Client, dataset: string, note: string): Promise<boolean> {
  return setPaused(client, dataset, false, note);
}

/**
 * Resumes a schedule whose pause is over by its own note. Asks the schedule itself: a list may be older than what somebody
 * has changed since.
 * @param now ISO 8601
 * @returns when the pause was to end, or undefined where it goes on
 */
export async function resumeWhenOver(
  client: Client,
  dataset: string,
  now: string,
): Promise<string | undefined> {
  const handle = client.schedule.getHandle(`nighttrain/${dataset}`);
  const { state } = await handle.describe();
  const end = state.paused ? endOfPause(state.note) : undefined;
  if (end === undefined || end > now) return undefined;
  await handle.unpause(`resumed by the sweep: its pause was to end at ${end} (${state.note})`);
  return end;
}

/** @throws NothingThere where the dataset has no schedule in Temporal */
async function setPaused(client: Client, dataset: string, isPaused: boolean, note: string): Promise<boolean> {
  const handle = client.schedule.getHandle(`nighttrain/${dataset}`);
  try {
    const { state } = await handle.describe();
    if (state.paused === isPaused) return false;
    await (isPaused ? handle.pause(note) : handle.unpause(note));
    return true;
  } catch (cause) {
    if (!(cause instanceof ScheduleNotFoundError)) throw cause;
    throw new NothingThere(`${dataset} has no schedule in Temporal`, {
      hint: 'A dataset that declares one gets it when a worker starts: npx nighttrain worker',
      cause,
    });
  }
}
