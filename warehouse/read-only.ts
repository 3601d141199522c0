import type { DataSource, EntityManager } from 'typeorm';
import { isTableGone } from './failure.ts';

/** As the role that reads alone, where the loader may become it: `migrate --bootstrap` lets it. */
export async function readOnly<T>(
  warehouse: DataSource,
  work: (tx: EntityManager) => Promise<T>,
): Promise<T> {
  return warehouse.transaction(async (tx) => {
    await tx.query('set transaction read only');
    const [row] = await tx.query<{ may: boolean }[]>(
      `select coalesce(pg_has_role(session_user, to_regrole('nighttrain_reader'), 'member'), false) as may`,
    );
    if (row?.may === true) await tx.query('set local role nighttrain_reader');
    return work(tx);
  });
}

/** Nobody moves a day more often than this while it is asked one question. */
const MOST_LOOKS = 5;

/**
 * As `readOnly`, for work that looks up where a day lies and asks that table: a fold, an unfold or a replay takes it away
 * in between, and then the work is done anew, for it holds no lock that would keep them from it (R11).
 */
export async function readWhereItLies<T>(
  warehouse: DataSource,
  work: (tx: EntityManager) => Promise<T>,
): Promise<T> {
  for (let looks = 1; ; looks++) {
    try {
      return await readOnly(warehouse, work);
    } catch (error) {
      if (!isTableGone(error) || looks === MOST_LOOKS) throw error;
    }
  }
}
