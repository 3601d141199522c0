import type { BusinessDate } from '../rules/business-date.ts';
import { ConfigurationError } from '../rules/errors.ts';
import { nightOf, type Night } from '../rules/night.ts';
import { findPublished } from '../warehouse/ledger.ts';
import { warehouseError } from '../warehouse/failure.ts';
import type { Deps } from './deps.ts';
import { findDataset } from '../rules/find-dataset.ts';
import { runStep } from './step.ts';
import { addStepFields } from './step-lines.ts';

/** A night, and the datasets whose same date must be loaded before it. */
export interface PlannedNight extends Night {
  readonly after: readonly string[];
}

/** What the schedule's slot stands for. @param scheduledAt ISO 8601 */
export const createPlanNight = ({ datasets, log }: Deps) =>
  async function planNight(dataset: string, scheduledAt: string): Promise<PlannedNight> {
    return runStep(log, () => {
      addStepFields({ dataset });
      const { schedule } = findDataset(datasets, dataset);
      if (!schedule) throw new ConfigurationError(`${dataset} has no schedule any more`);
      return Promise.resolve({ ...nightOf(schedule, scheduledAt), after: schedule.after });
    });
  };

/** Those of the datasets that the ledger does not have for a date. */
export const createNotLoaded = ({ warehouse, log }: Deps) =>
  async function notLoaded(names: readonly string[], businessDate: BusinessDate): Promise<string[]> {
    return runStep(log, async () => {
      addStepFields({ businessDate });
      try {
        const missing: string[] = [];
        for (const dataset of names) {
          if (!(await findPublished(warehouse, { dataset, businessDate }))) missing.push(dataset);
        }
        return missing;
      } catch (error) {
        throw warehouseError(error, `The ledger could not be asked for ${names.join(', ')}`);
      }
    });
  };
