import type { DataSource } from 'typeorm';
import type { Attempt, ReplayInput } from '../rules/attempt.ts';
import { dayLabel, type DatasetDay } from '../rules/dataset-day.ts';
import { extract as extractSource } from '../intake/extract.ts';
import { findLanded } from '../intake/find-landed.ts';
import type { IntakeContext } from '../intake/context.ts';
import type { LandingStore } from '../intake/landing.ts';
import type { Landed } from '../intake/manifest.ts';
import type { Dataset } from '../rules/dataset.ts';
import { epochsBefore } from '../warehouse/attempts.ts';
import { warehouseError } from '../warehouse/failure.ts';
import { bindRelease, followRelease } from '../warehouse/release.ts';
import type { Deps } from './deps.ts';
import { findDataset } from '../rules/find-dataset.ts';
import { landRelease } from './land-release.ts';
import { runStep } from './step.ts';
import { addStepFields } from './step-lines.ts';

/**
 * Source → landing: the raw input as it came, with its manifest; or, for a replay, what landed before (R10).
 * @param release whose rejected rows go back through validation, from what had landed for their attempt
 */
export const createExtract = ({ datasets, warehouse, landing, inbox, env, log }: Deps) =>
  async function extract(attempt: Attempt, input: ReplayInput = 'source', release?: string): Promise<Landed> {
    return runStep(log, async ({ signal, progress, log: line }) => {
      addStepFields(attempt);
      const dataset = findDataset(datasets, attempt.dataset);
      const { dataset: name, businessDate, epoch } = attempt;
      const day = { dataset: name, businessDate };
      const context = { landing, inbox, env, signal, progress };
      const landed =
        release !== undefined
          ? await extractRelease(warehouse, dataset, attempt, release, context)
          : input === 'landing'
            ? await extractLanded(warehouse, landing, day, epoch)
            : await extractSource(dataset, day, epoch, context);
      line.info({ parts: landed.parts, bytes: landed.bytes }, 'landed');
      return landed;
    });
  };

/** What a release goes by, and its corrected file. @throws ReleaseOver */
async function extractRelease(
  warehouse: DataSource,
  dataset: Dataset,
  attempt: Attempt,
  releaseId: string,
  context: IntakeContext,
): Promise<Landed> {
  try {
    const release = await bindRelease(warehouse, releaseId, attempt);
    return await landRelease(warehouse, dataset, release, attempt.epoch, context);
  } catch (error) {
    throw warehouseError(error, `Release ${releaseId} of ${dayLabel(attempt)} could not be read`);
  }
}

/** What landed before; where that was for a release that never came to be loaded, its rows are followed further. */
async function extractLanded(
  warehouse: DataSource,
  landing: LandingStore,
  day: DatasetDay,
  epoch: number,
): Promise<Landed> {
  try {
    const landed = await findLanded(landing, day, await epochsBefore(warehouse, day, epoch));
    const { release, ...plain } = landed;
    return release !== undefined && (await followRelease(warehouse, release, epoch)) ? landed : plain;
  } catch (error) {
    throw warehouseError(error, `What landed for ${dayLabel(day)} could not be looked up`);
  }
}
