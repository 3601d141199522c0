import type { DataSource } from 'typeorm';
import type { AttemptError, AttemptState, Receipt } from '../rules/attempt.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { attemptEntity } from './entities/attempt.ts';
import { findReceiptOfRun } from './ledger.ts';

/** What the warehouse knows of one workflow run. */
export interface RunOutcome {
  /** Undefined where the run never came as far as to take the day over. */
  readonly state: AttemptState | undefined;
  readonly error: AttemptError | null;
  /** The batch that it committed, whatever its attempt says (R9). */
  readonly receipt: Receipt | undefined;
}

/** How a run of a day ended: the ledger first, the attempt where the ledger has nothing. */
export async function findRunOutcome(
  warehouse: DataSource,
  day: DatasetDay,
  runId: string,
): Promise<RunOutcome> {
  const { dataset, businessDate } = day;
  const receipt = await findReceiptOfRun(warehouse, day, runId);
  const attempt = await warehouse.getRepository(attemptEntity).findOne({
    where: { dataset, businessDate, ownerRunId: runId },
    order: { epoch: 'desc' },
  });
  return {
    state: receipt ? 'loaded' : attempt?.state,
    error: receipt ? null : (attempt?.error ?? null),
    receipt,
  };
}
