import { randomUUID } from 'node:crypto';
import type { Attempt, Receipt } from '../rules/attempt.ts';
import { describe, Refused, WarehouseUnavailable } from '../rules/errors.ts';
import type { Landed, StagedPart } from '../intake/manifest.ts';
import { recordTally } from '../warehouse/attempts.ts';
import { isLockTimeout, isOvertaken, warehouseError } from '../warehouse/failure.ts';
import { lockHolders } from '../warehouse/lock-holders.ts';
import { advanceEpoch } from '../warehouse/fence.ts';
import { writeLedger } from '../warehouse/ledger.ts';
import { blockOnAudits } from './audit.ts';
import { commitOnce } from './commit-once.ts';
import type { Deps } from './deps.ts';
import { PassedRows, StagedRows } from './day-rows.ts';
import { fillDay, judgeIntake, judgeNight } from './fill-day.ts';
import { findDataset } from '../rules/find-dataset.ts';
import { followRefused } from './keep-released.ts';
import { runStep, type StepContext } from './step.ts';
import { addStepFields } from './step-lines.ts';
import { unfoldDay } from './unfold-day.ts';

/**
 * Loads one dataset day: the day's rows and their ledger row are committed together, or not at all (R1). Without staged
 * parts it sorts the landed ones itself, while their rows are copied.
 */
export const createLoad = (deps: Deps) =>
  async function load(attempt: Attempt, landed: Landed, parts?: readonly StagedPart[]): Promise<Receipt> {
    return runStep(deps.log, async (step) => {
      addStepFields(attempt);
      for (let overtaken = 0; ; overtaken++) {
        try {
          return await loadOnce(deps, step, attempt, landed, parts);
        } catch (error) {
          if (!isOvertaken(error) || attempt.plan.write !== 'merge' || overtaken >= MOST_OVERTAKEN)
            throw error;
          step.log.warn({ error: describe(error) }, 'another day was merged meanwhile: the load starts over');
        }
      }
    });
  };

/**
 * Whoever merges second starts over (R11). That is no try that failed: who is overtaken was overtaken by a day that is
 * loaded, and of a week of nights that are caught up at once the last is overtaken by all others.
 */
const MOST_OVERTAKEN = 50;

/** One transaction, with an epoch of its own. */
async function loadOnce(
  deps: Deps,
  step: StepContext,
  attempt: Attempt,
  landed: Landed,
  parts: readonly StagedPart[] | undefined,
): Promise<Receipt> {
  const { warehouse, ledger, eviction } = deps;
  const { dataset: name, businessDate, ownerRunId } = attempt;
  const startedAt = new Date();
  const dataset = findDataset(deps.datasets, name);
  const rows = parts
    ? new StagedRows(deps.landing, parts)
    : await PassedRows.open(deps, dataset, attempt, landed, step);
  try {
    const epoch = await advanceEpoch(warehouse, attempt, ownerRunId);
    // Asked only now: before, an older try of this step could still commit between the answer and the epoch (R9).
    const earlier = await ledger.receiptOfRun(attempt, ownerRunId);
    if (earlier) return earlier; // our COMMIT arrived, our report did not
    const intake = { warehouse, attempt, landed, rows };
    if (parts) await followRefused(deps, attempt, landed, parts, () => judgeIntake(intake));
    await recordTally(warehouse, attempt, { loadEpoch: epoch });
    await eviction.evictBefore(attempt, epoch);
    const identity = { dataset: name, businessDate, epoch, loadId: randomUUID() };
    addStepFields(identity);
    if (dataset.write === 'replaceDay') await unfoldDay(deps, step, dataset, identity);
    const job = {
      ...deps,
      step,
      dataset,
      attempt,
      identity,
      landed,
      rows,
      followed: parts ?? [],
    };
    const receipt = await commitOnce(deps, identity, step, async (tx) => {
      const filled = await fillDay(tx, job); // in here: FREEZE demands it
      await judgeNight(job, filled);
      const { table, counts, contentSha256 } = filled;
      await blockOnAudits(tx, job, table);
      const facts = { ownerRunId, contentSha256, manifest: landed.manifest, startedAt };
      await writeLedger(tx, identity, table, counts, facts); // judged and published by COMMIT (R2, R6)
    });
    step.log.info(receipt.counts, 'committed');
    return receipt;
  } catch (error) {
    const failure = warehouseError(error, `Loading ${name} of ${businessDate} failed`);
    try {
      await rows.kept();
    } catch (notKept) {
      step.log.warn({ error: describe(notKept), after: failure.message }, 'rejected rows could not be kept');
      if (failure.retryable || failure instanceof Refused) throw notKept; // the next try keeps them
    }
    if (isLockTimeout(error)) throw await namingHolders(deps, name, error);
    throw failure;
  }
}

/** A publication waits five seconds for whoever uses the table, readers included, and then says who they are (§5). */
async function namingHolders(
  { warehouse, datasets }: Deps,
  name: string,
  cause: unknown,
): Promise<WarehouseUnavailable> {
  const table = findDataset(datasets, name).table;
  const holders = await lockHolders(warehouse, 'everybody', table);
  return new WarehouseUnavailable(`warehouse.${table} was in use for too long to publish into it`, {
    detail: holders.length > 0 ? holders.join('\n') : 'whoever held it has let go meanwhile',
    hint: 'The step is tried again. A session that sits in an open transaction: select pg_terminate_backend(pid)',
    cause,
  });
}
