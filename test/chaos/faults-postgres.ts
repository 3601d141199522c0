import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { House } from '../support/house.ts';
import type { Fault } from './fault.ts';
import { EVERY_STEP } from './faults-worker.ts';

/** What happens to the engines. */
export const POSTGRES_FAULTS: readonly Fault[] = [
  {
    name: 'backend-killed',
    moments: EVERY_STEP,
    strike: async (scene, { chance }, { held }) => {
      const everybody = chance.isSo(30);
      await scene.house.ask(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and usename = 'nighttrain_loader' and ($1 or application_name like 'nt:%')`,
        [everybody],
      );
      void held?.release();
      return everybody ? 'of every session' : 'of the load';
    },
  },
  {
    name: 'postgres-stopped-at-once',
    moments: EVERY_STEP,
    isExclusive: true,
    strike: async (scene, _night, { held }) => {
      const struck = scene.engines.strike('postgres');
      void held?.release();
      await struck;
    },
    heal: async (scene, { chance }) => {
      await pause(chance.between(0, 1_500));
      await scene.engines.start();
    },
  },
  {
    // A server that shuts down keeps the sessions that it has, and lets nobody else in.
    name: '57P03-shutting-down',
    shows: /the database system is (shutting down|starting up)/,
    moments: ['TAKE OVER', 'log: day taken over', 'log: landed', 'EPOCH'],
    isExclusive: true,
    strike: async (scene, _night, { held }) => {
      await scene.engines.closeDoors();
      await held?.release();
    },
    heal: async (scene, { chance }) => {
      await pause(chance.between(1_000, 2_500));
      await scene.engines.strike('postgres');
      await scene.engines.start();
    },
  },
  {
    name: '53100-disk-full',
    shows: /could not extend file .*: No space left on device/,
    datasets: ['fares', 'freight-movements'],
    moments: ['ROWS'],
    strike: async ({ house }, { day }, { held }) => {
      await fillDiskOf(house, `nt:${day.dataset}:${day.date}:`);
      await held?.release();
    },
  },
  {
    name: 'temporal-killed',
    moments: EVERY_STEP,
    isExclusive: true,
    strike: async (scene, _night, { held }) => {
      await scene.engines.strike('temporal');
      await held?.release();
    },
    heal: async (scene, { chance }) => {
      await pause(chance.between(0, 1_500));
      await scene.engines.start();
    },
  },
];

/**
 * What a load wants to write beside its new table's rows, the map of visible pages, finds a full disk: the kernel's own
 * ENOSPC, of a device that is always full, and nobody else meets it. PostgreSQL itself takes the link away when it
 * drops the table. (A small file system needs rights that not every machine gives, and a limit on the process's files
 * is met as 53100, as an internal error or, in the WAL, as a PANIC, by chance.)
 */
async function fillDiskOf(house: House, session: string): Promise<void> {
  const opened = await house.ask<{ folder: string; file: string }>(
    // Nobody else sees the table yet, but the lock on it; its first file is named as it is.
    `select current_setting('data_directory') as folder, format('base/%s/%s_vm', l.database, l.relation) as file
     from pg_stat_activity a join pg_locks l using (pid)
     where a.datname = current_database() and starts_with(a.application_name, $1)
       and l.locktype = 'relation' and l.mode = 'AccessExclusiveLock'
       and not exists (select from pg_class c where c.oid = l.relation)`,
    [session],
  );
  for (const { folder, file } of opened) await symlink('/dev/full', join(folder, file));
}
