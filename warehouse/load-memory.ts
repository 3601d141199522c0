import type { EntityManager } from 'typeorm';

/**
 * Gives the load's transaction memory to build keys in, where a session has less by default. The server's machine is not
 * ours to measure, so its administrator's word stands for it: a load takes a quarter of `shared_buffers`, 256 MB at most,
 * and whoever granted more is left alone. (More was no faster. `work_mem` stays as it is: a join of 5 M rows with 5 M took
 * 5.1 s with 4 MB and with 32 MB, and what parallel joins share must fit /dev/shm, which containers have little of.)
 */
export async function sizeForLoad(tx: EntityManager): Promise<void> {
  await tx.query(
    `select set_config('maintenance_work_mem', greatest(granted, least(buffers / 4, 256 * 1024 * 1024)) / 1024 || 'kB', true)
     from (
       select pg_size_bytes(current_setting('shared_buffers')) as buffers,
         pg_size_bytes(current_setting('maintenance_work_mem')) as granted
     ) server`,
  );
}
