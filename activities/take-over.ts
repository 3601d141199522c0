import type { Attempt, AttemptKind, Receipt } from '../rules/attempt.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { planOf } from '../rules/dataset.ts';
import { requireDateOf } from '../rules/month.ts';
import { findAttemptOfRun, recordStart } from '../warehouse/attempts.ts';
import { takeOverFence } from '../warehouse/fence.ts';
import { findPublished } from '../warehouse/ledger.ts';
import { warehouseError } from '../warehouse/failure.ts';
import type { Deps } from './deps.ts';
import { findDataset } from '../rules/find-dataset.ts';
import { runStep } from './step.ts';
import { addStepFields } from './step-lines.ts';

/** Either the day is ours to load, or the ledger has it already and this is no replay. */
export type TakenOver = { readonly attempt: Attempt } | { readonly alreadyLoaded: Receipt };

/** Takes a day over: owner and epoch first, committed; then what older epochs left is evicted (§3, Epochs). */
export const createTakeOver = ({ datasets, warehouse, eviction, log }: Deps) =>
  async function takeOver(day: DatasetDay, kind: AttemptKind): Promise<TakenOver> {
    return runStep(log, async ({ ownerRunId, workflowId, log: line }) => {
      addStepFields(day);
      const dataset = findDataset(datasets, day.dataset);
      requireDateOf(dataset, day.businessDate, (date) => `run ${dataset.name} --date ${date}`);
      const plan = planOf(dataset);
      try {
        const published = kind === 'replay' ? undefined : await findPublished(warehouse, day);
        if (published) return { alreadyLoaded: published };
        // Taken already: the answer of an earlier try was lost on its way (R9).
        const earlier = await findAttemptOfRun(warehouse, day, ownerRunId);
        const epoch = earlier ?? (await takeOverFence(warehouse, day, ownerRunId));
        await recordStart(warehouse, { ...day, epoch, ownerRunId, workflowId, kind });
        await eviction.evictBefore(day, epoch);
        addStepFields({ epoch });
        line.info({ kind }, 'day taken over');
        return { attempt: { ...day, epoch, ownerRunId, plan } };
      } catch (error) {
        throw warehouseError(error, `Taking over ${day.dataset} of ${day.businessDate} failed`);
      }
    });
  };
