import type { DataSource } from 'typeorm';
import type { Attempt, ReplayInput } from '../rules/attempt.ts';
import { dayLabel, type DatasetDay } from '../rules/dataset-day.ts';
import { extract as extractSource } from '../intake/extract.ts';
import { findLanded } from '../intake/find-landed.ts';
import type { Landed } from '../intake/manifest.ts';
import { epochsBefore } from '../warehouse/attempts.ts';
import { warehouseError } from '../warehouse/failure.ts';
import type { Deps } from './deps.ts';
import { findDataset } from '../rules/find-dataset.ts';
import { runStep } from './step.ts';

/** Source → landing: the raw input as it came, with its manifest; or, for a replay, what landed before (R10). */
export const createExtract = ({ datasets, warehouse, landing, inbox, env, log }: Deps) =>
  async function extract(attempt: Attempt, input: ReplayInput = 'source'): Promise<Landed> {
    return runStep(log, async ({ signal, progress, log: line }) => {
      const dataset = findDataset(datasets, attempt.dataset);
      const { dataset: name, businessDate, epoch } = attempt;
      const day = { dataset: name, businessDate };
      const landed =
        input === 'landing'
          ? await findLanded(landing, day, await epochsLanded(warehouse, day, epoch))
          : await extractSource(dataset, day, epoch, { landing, inbox, env, signal, progress });
      line.info({ ...day, epoch, parts: landed.parts, bytes: landed.bytes }, 'landed');
      return landed;
    });
  };

/** Under which epochs a day may have landed before. */
async function epochsLanded(warehouse: DataSource, day: DatasetDay, epoch: number): Promise<number[]> {
  try {
    return await epochsBefore(warehouse, day, epoch);
  } catch (error) {
    throw warehouseError(error, `Earlier attempts at ${dayLabel(day)} could not be looked up`);
  }
}
