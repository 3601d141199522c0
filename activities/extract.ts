import type { Attempt } from '../rules/attempt.ts';
import { extract as extractSource } from '../intake/extract.ts';
import type { Landed } from '../intake/manifest.ts';
import type { Deps } from './deps.ts';
import { findDataset } from './find-dataset.ts';
import { runStep } from './step.ts';

/** Source → landing: the raw input as it came, with its manifest. */
export const createExtract = ({ datasets, landing, inbox, env, log }: Deps) =>
  async function extract(attempt: Attempt): Promise<Landed> {
    return runStep(log, async ({ signal, progress, log: line }) => {
      const dataset = findDataset(datasets, attempt.dataset);
      const { dataset: name, businessDate, epoch } = attempt;
      const day = { dataset: name, businessDate };
      const landed = await extractSource(dataset, day, epoch, { landing, inbox, env, signal, progress });
      line.info({ ...day, epoch, parts: landed.parts, bytes: landed.bytes }, 'landed');
      return landed;
    });
  };
