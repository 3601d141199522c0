import type { LoadIdentity } from '../warehouse/day-table.ts';
import type { Dataset } from '../rules/dataset.ts';
import { describe } from '../rules/errors.ts';
import { isFolded, isFoldOvertaken, unfoldMonth } from '../warehouse/fold.ts';
import type { Deps } from './deps.ts';
import type { StepContext } from './step.ts';

/** Days of one month that are replayed at once all want it unfolded: the first does it, the others see that it is done. */
const MOST_TRIES = 5;

/**
 * Gives a day that was folded its own table again, with the other days of its month, so that a replay replaces that
 * table alone and COMMIT stays short; the nightly fold takes the month up again.
 */
export async function unfoldDay(
  { warehouse, loaderUrl }: Pick<Deps, 'warehouse' | 'loaderUrl'>,
  { signal, progress, log }: StepContext,
  dataset: Dataset,
  load: LoadIdentity,
): Promise<void> {
  for (let tries = 1; await isFolded(warehouse, load); tries++) {
    try {
      const context = { signal, progress: (rows: number) => progress({ rows, bytes: 0 }) };
      const { days, rows } = await unfoldMonth(warehouse, loaderUrl, dataset, load, context);
      log.info({ days, rows }, 'month unfolded: a day of it is replayed');
    } catch (error) {
      if (!isFoldOvertaken(error) || tries === MOST_TRIES) throw error;
      log.info({ error: describe(error) }, 'the month was unfolded by another');
    }
  }
}
