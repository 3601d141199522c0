import { readRejects } from '../intake/rejects.ts';
import type { Attempt } from '../rules/attempt.ts';
import type { Landed, StagedPart } from '../intake/manifest.ts';
import { stagePart } from '../intake/stage.ts';
import { keepRejected } from '../warehouse/quarantine.ts';
import { warehouseError } from '../warehouse/failure.ts';
import type { Deps } from './deps.ts';
import { findDataset } from '../rules/find-dataset.ts';
import { runStep } from './step.ts';
import { addStepFields } from './step-lines.ts';

/** Landed part → staged part; what is rejected goes to quarantine, whatever becomes of the night (R5). */
export const createTransform = ({ datasets, warehouse, landing, inbox, env, threads, log }: Deps) =>
  async function transform(attempt: Attempt, landed: Landed, part: number): Promise<StagedPart> {
    return runStep(log, async ({ signal, progress, log: line }) => {
      addStepFields(attempt);
      const dataset = findDataset(datasets, attempt.dataset);
      const { dataset: name, businessDate, epoch } = attempt;
      const day = { dataset: name, businessDate };
      const context = { landing, inbox, env, signal, progress, threads };
      const staged = await stagePart(dataset, day, landed.manifest, part, epoch, context);
      if (staged.rejected > 0) {
        try {
          const epochs = { attempt: epoch, own: epoch };
          await keepRejected(warehouse, day, epochs, readRejects(landing, staged.rejects.key));
        } catch (error) {
          throw warehouseError(error, `Rejected rows of ${name} of ${businessDate} could not be kept`);
        }
      }
      const { read, rejected, discarded, warnings } = staged;
      line.info({ part, read, staged: staged.staged, rejected, discarded, warnings }, 'part staged');
      return staged;
    });
  };
