import { ScheduleNotFoundError, type Client } from '@temporalio/client';
import { NothingThere } from '../rules/errors.ts';

/** Starts no night of the dataset until somebody resumes it. @returns false where it is paused already */
export async function pauseSchedule(client: Client, dataset: string, note: string): Promise<boolean> {
  return setPaused(client, dataset, true, note);
}

/** Lets the schedule fire again; slots that passed meanwhile are not made up for. @returns false where it was not paused */
export async function resumeSchedule(client: Client, dataset: string, note: string): Promise<boolean> {
  return setPaused(client, dataset, false, note);
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
