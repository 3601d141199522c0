import type { DataSource } from 'typeorm';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { dayLabel } from '../rules/dataset-day.ts';
import { Fenced } from '../rules/errors.ts';

/** Makes `ownerRunId` the only run that may load the day; answers its epoch. Committed when this returns (§3). */
export async function takeOverFence(
  warehouse: DataSource,
  day: DatasetDay,
  ownerRunId: string,
): Promise<number> {
  const [row] = await warehouse.query<{ epoch: number }[]>(
    'select nighttrain.take_over($1, $2, $3) as epoch',
    [day.dataset, day.businessDate, ownerRunId],
  );
  if (!row) throw new Error('take_over answered no row');
  return row.epoch;
}

/**
 * The epoch of the next load attempt of `ownerRunId`, so that no retry shares one with the process that it replaces.
 * @throws Fenced where the day has another owner by now
 */
export async function advanceEpoch(
  warehouse: DataSource,
  day: DatasetDay,
  ownerRunId: string,
): Promise<number> {
  const [row] = await warehouse.query<{ epoch: number | null }[]>(
    'select nighttrain.advance_epoch($1, $2, $3) as epoch',
    [day.dataset, day.businessDate, ownerRunId],
  );
  if (row?.epoch == null) throw fenced(day);
  return row.epoch;
}

/** @throws Fenced where the epoch is no longer the day's: COMMIT would say so too, after all the work */
export async function confirmEpoch(
  warehouse: DataSource,
  load: DatasetDay & { readonly epoch: number },
): Promise<void> {
  const current = await warehouse.query<unknown[]>(
    'select from nighttrain.run_fence where dataset = $1 and business_date = $2 and epoch = $3',
    [load.dataset, load.businessDate, load.epoch],
  );
  if (current.length === 0) throw fenced(load);
}

function fenced(day: DatasetDay): Fenced {
  return new Fenced(`${dayLabel(day)} was taken over by a newer attempt; this one may no longer write`, {
    hint: `See who has it: npx nighttrain show ${day.dataset} ${day.businessDate}`,
  });
}
