import { Not, type DataSource } from 'typeorm';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { attemptEntity, type AttemptRow } from './entities/attempt.ts';

/** The latest attempt of a day that has ended: the one that figures count (R5). Undefined where there is none. */
export async function findLatestClosed(
  warehouse: DataSource,
  { dataset, businessDate }: DatasetDay,
): Promise<AttemptRow | undefined> {
  const found = await warehouse.getRepository(attemptEntity).findOne({
    where: { dataset, businessDate, state: Not('running') },
    order: { epoch: 'desc' },
  });
  return found ?? undefined;
}

/** The attempt that holds a day now, or undefined. */
export async function findRunning(
  warehouse: DataSource,
  { dataset, businessDate }: DatasetDay,
): Promise<AttemptRow | undefined> {
  const found = await warehouse.getRepository(attemptEntity).findOne({
    where: { dataset, businessDate, state: 'running' },
    order: { epoch: 'desc' },
  });
  return found ?? undefined;
}

/**
 * The epochs under which an attempt's rejected rows are kept: what the intake rejected has the attempt's, what SQL
 * rejected that of the load.
 */
export function epochsOf({ epoch, loadEpoch }: Pick<AttemptRow, 'epoch' | 'loadEpoch'>): number[] {
  return loadEpoch === null ? [epoch] : [epoch, loadEpoch];
}
