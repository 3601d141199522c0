import type { DataSource } from 'typeorm';

/** Which locks are meant: those that keep a publication out, or those that a publication waits for: readers' too. */
export type LockScope = 'writers' | 'everybody';

/** A line is enough for a person to go and look. */
const MOST_HOLDERS = 20;

/**
 * Sessions that hold locks on tables of schema `warehouse`, a line each.
 * @param table one of them with its partitions; where undefined all of them, and for everybody's locks those of our other
 * schemas too
 */
export async function lockHolders(
  warehouse: DataSource,
  scope: LockScope,
  table?: string,
): Promise<string[]> {
  const rows = await warehouse.query<{ holder: string }[]>(
    `select format('%s holds %s on %s.%s (pid %s)', coalesce(nullif(a.application_name, ''), a.usename),
       l.mode, n.nspname, c.relname, l.pid) as holder
     from pg_locks l
       join pg_class c on c.oid = l.relation and c.relkind in ('r', 'p')
       join pg_namespace n on n.oid = c.relnamespace and (n.nspname = 'warehouse'
         or $1 = 'everybody' and $2::text is null and n.nspname in ('warehouse_history', 'nighttrain'))
       join pg_stat_activity a on a.pid = l.pid
     where l.database = (select oid from pg_database where datname = current_database())
       and l.granted and l.pid <> pg_backend_pid()
       and a.usesysid is not null -- the server's own processes have none
       and ($1 = 'everybody' or l.mode <> 'AccessShareLock')
       and ($2::text is null or c.relname = $2 or starts_with(c.relname, $2 || '_'))
     order by a.backend_start, holder limit ${MOST_HOLDERS}`,
    [scope, table ?? null],
  );
  return rows.map(({ holder }) => holder);
}
