import type { EntityManager } from 'typeorm';

/**
 * Gives the load's transaction memory to sort and join in, where a session has less by default. The server's machine is
 * not ours to measure, so its administrator's word stands for it: `shared_buffers`, by custom a quarter of the memory. A
 * load sorts in half of that and joins in an eighth, 1 GB and 256 MB at most; whoever sized sessions larger is left alone.
 */
export async function sizeForLoad(tx: EntityManager): Promise<void> {
  await tx.query(
    `select set_config(name, greatest(granted, least(bytes, most))::bigint / 1024 || 'kB', true)
     from (select pg_size_bytes(current_setting('shared_buffers')) as buffers) server,
       lateral (values
         ('maintenance_work_mem', pg_size_bytes(current_setting('maintenance_work_mem')), buffers / 2, 1024 * 1024 * 1024),
         ('work_mem', pg_size_bytes(current_setting('work_mem')), buffers / 8, 256 * 1024 * 1024)
       ) as setting(name, granted, bytes, most)`,
  );
}
