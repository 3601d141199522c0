import type { DataSource, EntityManager } from 'typeorm';

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
