import type { DataSource } from 'typeorm';
import { ok, warn, type Finding } from './finding.ts';

interface Settings {
  readonly wal: number;
  readonly workers: number;
  readonly compression: string;
}

const GIB = 1024 ** 3;

/** What makes a night of millions of rows slow, by what was measured (docs/guides/postgres.md). */
export async function checkLoadSettings(warehouse: DataSource): Promise<Finding> {
  const [row] = await warehouse.query<Settings[]>(
    `select pg_size_bytes(current_setting('max_wal_size')) as wal,
       least(current_setting('max_parallel_maintenance_workers')::int, current_setting('max_parallel_workers')::int) as workers,
       current_setting('wal_compression') as compression`,
  );
  const slow = row ? slowSettings(row) : [];
  if (slow.length === 0) return ok('load settings', 'nothing in them slows large nights');
  const found = slow.map(([reason]) => reason).join('\n');
  return warn('load settings', found, `${slow.map(([, mend]) => mend).join(' ')} select pg_reload_conf();`);
}

function slowSettings({ wal, workers, compression }: Settings): (readonly [reason: string, mend: string])[] {
  const slow: (readonly [string, string])[] = [];
  if (wal < 2 * GIB)
    slow.push([
      `max_wal_size is ${Math.round(wal / 1024 ** 2)} MB: a night of millions of rows waits for checkpoints`,
      `alter system set max_wal_size = '2GB';`,
    ]);
  if (workers === 0)
    slow.push([
      'max_parallel_maintenance_workers or max_parallel_workers is 0: keys are built by one process, in twice the time',
      `alter system set max_parallel_maintenance_workers = 2; alter system set max_parallel_workers = 8;`,
    ]);
  if (['on', 'pglz'].includes(compression))
    slow.push([
      `wal_compression is ${compression}, that is pglz: keys take four times as long to build`,
      `alter system set wal_compression = 'lz4';`,
    ]);
  return slow;
}
