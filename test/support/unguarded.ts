import type { DataSource } from 'typeorm';

/** Does as a superuser what guards stop (R15), with every trigger silent: for tests that need the harm, or a clean table. */
export async function unguarded(
  database: DataSource,
  statement: string,
  values: unknown[] = [],
): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.query(`set local session_replication_role = 'replica'`);
    await tx.query(statement, values);
  });
}
