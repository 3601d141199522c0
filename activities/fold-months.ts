import { describe, NightTrainError, WarehouseRejected } from '../rules/errors.ts';
import { findDataset } from '../rules/find-dataset.ts';
import { isLockTimeout, warehouseError } from '../warehouse/failure.ts';
import {
  foldableMonths,
  foldMonth,
  isFoldOvertaken,
  type FoldableMonth,
  type FoldContext,
} from '../warehouse/fold.ts';
import type { Deps } from './deps.ts';
import { inTurn } from './in-turn.ts';
import { runStep } from './step.ts';

/** A month that somebody corrects is left alone until a day after the last correction. */
const SETTLED_HOURS = 24;

/**
 * Folds every month that is old enough, the oldest first; answers how many.
 * @throws what kept the first month that no other night will fold either, once all have had their turn
 */
export const createFoldMonths = (deps: Deps) =>
  async function foldMonths(): Promise<number> {
    return runStep(deps.log, async ({ log, signal, progress }) => {
      try {
        const months = await foldableMonths(deps.warehouse, SETTLED_HOURS);
        const known = months.filter(({ dataset }) => deps.datasets.has(dataset));
        let folded = 0;
        const fold = async (month: FoldableMonth) => {
          const left = await foldIfFree(deps, month, { signal, progress });
          if (left && !left.retryable) throw left; // the other months have their turn
          if (left)
            log.info({ ...month, error: describe(left) }, 'month not folded; it is tried again tomorrow');
          else log.info({ ...month }, 'month folded');
          folded += left ? 0 : 1;
        };
        await inTurn(known, fold, log);
        return folded;
      } catch (error) {
        throw warehouseError(error, 'The months could not be folded');
      }
    });
  };

/**
 * Folds a month, or answers what kept it, and nothing was done: somebody reads or publishes a day of it, which passes; or a
 * day of it is damaged, which is not `retryable`.
 */
export async function foldIfFree(
  { warehouse, loaderUrl, datasets }: Pick<Deps, 'warehouse' | 'loaderUrl' | 'datasets'>,
  { dataset, month }: FoldableMonth,
  context: FoldContext,
): Promise<NightTrainError | undefined> {
  try {
    await foldMonth(warehouse, loaderUrl, findDataset(datasets, dataset), month, context);
    return undefined;
  } catch (error) {
    if (error instanceof WarehouseRejected) return error;
    if (error instanceof NightTrainError && (isFoldOvertaken(error) || isLockTimeout(error))) return error;
    throw error;
  }
}
