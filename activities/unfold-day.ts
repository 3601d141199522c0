import type { LoadIdentity } from '../warehouse/day-table.ts';
import type { Dataset } from '../rules/dataset.ts';
import { describe } from '../rules/errors.ts';
import { confirmEpoch } from '../warehouse/fence.ts';
import { foldedInto, isFoldOvertaken, unfoldMonth } from '../warehouse/fold.ts';
import type { Deps } from './deps.ts';
import type { StepContext } from './step.ts';

/** Days of one month that are replayed at once all want it unfolded: the first does it, the others see that it is done. */
const MOST_TRIES = 5;

/**
 * Gives a day that was folded its own table again, with the other days of its month, so that a replay replaces that
 * table alone and COMMIT stays short; the nightly fold takes the month up again.
 * @throws Fenced where the day was taken over meanwhile
 */
export async function unfoldDay(
  { warehouse, loaderUrl }: Pick<Deps, 'warehouse' | 'loaderUrl'>,
  { signal, progress, log }: Pick<StepContext, 'signal' | 'progress' | 'log'>,
  dataset: Dataset,
  load: LoadIdentity,
): Promise<void> {
  for (let tries = 1; (await foldedInto(warehouse, load)) !== undefined; tries++) {
    try {
      const context = { signal, progress: (rows: number) => progress({ rows, bytes: 0 }) };
      const { days, rows } = await unfoldMonth(warehouse, loaderUrl, dataset, load, context);
      log.info({ days, rows }, 'month unfolded: a day of it is replayed');
    } catch (error) {
      if (!isFoldOvertaken(error) || tries === MOST_TRIES) throw error;
      await confirmEpoch(warehouse, load); // who took the day over has evicted this load, and waits for none of its tries
      log.info({ error: describe(error) }, 'the month was unfolded by another');
    }
  }
}
