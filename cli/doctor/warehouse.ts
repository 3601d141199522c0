import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import type { Dataset } from '../../rules/dataset.ts';
import { checkServerVersion, isBootstrapped } from '../../warehouse/bootstrap.ts';
import { missingGuards } from '../../warehouse/guards.ts';
import { excessiveRights } from '../../warehouse/integrity.ts';
import { pendingMigrations } from '../../warehouse/migrate.ts';
import { checkDatasets } from '../../warehouse/shape.ts';
import { examine, fail, ok, warn, type Finding } from './finding.ts';
import { checkLoadSettings } from './load-settings.ts';
import { locksNeeded, type LockNeed } from './lock-need.ts';

/** What the warehouse is found to be, by the loader's own login. */
export async function checkWarehouse(
  warehouse: DataSource,
  projectRoot: string,
  datasets: readonly Dataset[],
): Promise<readonly Finding[]> {
  const migrate = 'npx nighttrain migrate';
  const findings = [
    await examine('PostgreSQL', 'Use PostgreSQL 15 or newer.', () => checkServer(warehouse)),
    await examine('settings', 'Ask the server’s administrator.', () => checkSettings(warehouse)),
    await examine('load settings', 'Ask the server’s administrator.', () => checkLoadSettings(warehouse)),
  ].flat();
  if (!(await isBootstrapped(warehouse))) {
    const mend = 'As a superuser, once: npx nighttrain migrate --bootstrap';
    return [...findings, fail('roles', 'This database was never prepared for Night Train', mend)];
  }
  return [
    ...findings,
    ...(await examine('roles', migrate, () => checkRoles(warehouse))),
    ...(await examine('migrations', migrate, async () => {
      const pending = await pendingMigrations(warehouse, join(projectRoot, 'migrations'));
      return pending.length > 0
        ? fail('migrations', `missing: ${pending.join(', ')}`, migrate)
        : ok('migrations', 'all are applied');
    })),
    ...(await examine('datasets', migrate, async () => {
      await checkDatasets(warehouse, datasets);
      return ok('datasets', `${datasets.length} declarations agree with their tables and limits`);
    })),
    ...(await examine('locks', migrate, () => checkLocks(warehouse))),
    ...(await examine('guards', migrate, () => checkGuards(warehouse))),
    ...(await examine('audit chains', migrate, () => checkChains(warehouse))),
  ];
}

async function checkServer(warehouse: DataSource): Promise<Finding> {
  await checkServerVersion(warehouse);
  const [row] = await warehouse.query<{ version: string }[]>(
    `select current_setting('server_version') as version`,
  );
  return ok('PostgreSQL', row?.version ?? '');
}

async function checkSettings(warehouse: DataSource): Promise<Finding> {
  const [row] = await warehouse.query<{ interval: string }[]>(
    `select current_setting('client_connection_check_interval') as interval`,
  );
  const interval = row?.interval ?? '0';
  return interval === '0'
    ? warn(
        'settings',
        'client_connection_check_interval is 0: the session of a worker that died goes on until it next writes',
        `alter system set client_connection_check_interval = '500ms'; select pg_reload_conf();`,
      )
    : ok('settings', `client_connection_check_interval is ${interval}`);
}

/** The loader must be able to load, and to delete nothing (R15). */
async function checkRoles(warehouse: DataSource): Promise<Finding> {
  const rows = await excessiveRights(warehouse);
  const mend =
    'Take it back (revoke …, alter … owner to nighttrain_publisher); the loader owns and deletes nothing.';
  return rows.length > 0
    ? fail(
        'roles',
        rows
          .slice(0, 20)
          .map(({ problem }) => problem)
          .join('\n'),
        mend,
      )
    : ok('roles', 'the loader owns nothing and may delete nothing');
}

async function checkLocks(warehouse: DataSource): Promise<Finding> {
  const [row] = await warehouse.query<LockNeed[]>(
    `select current_setting('max_locks_per_transaction')::int as "perTransaction",
       current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int as sessions,
       coalesce(max(partitions), 0)::int as partitions, coalesce(max(fold_after), 90)::int as "foldAfter",
       coalesce(max(1 + indexes), 2)::int as "locksAPartition"
     from (
       select count(*) as partitions, max(d.fold_after) as fold_after,
         (select count(*) from pg_index i where i.indrelid = h.inhparent) as indexes
       from pg_inherits h join pg_class p on p.oid = h.inhparent join pg_namespace n on n.oid = p.relnamespace
         join nighttrain.dataset_policy d on d.table_name = p.relname
       where n.nspname = 'warehouse' and p.relkind = 'p'
       group by h.inhparent
     ) t`,
  );
  if (!row) return ok('locks', 'no partitions yet');
  const { now, inAYear } = locksNeeded(row);
  const found = `max_locks_per_transaction is ${row.perTransaction}; queries without a date need ${now} now, ${inAYear} in a year`;
  const mend = `npx nighttrain fold; where that is not enough: alter system set max_locks_per_transaction = ${inAYear}; and restart PostgreSQL`;
  if (row.perTransaction < now) return fail('locks', found, mend);
  return row.perTransaction < inAYear ? warn('locks', found, mend) : ok('locks', found);
}

/** What stops a DELETE or a DROP by hand (R15). */
async function checkGuards(warehouse: DataSource): Promise<Finding> {
  const missing = await missingGuards(warehouse);
  if (missing.length === 0) return ok('guards', 'nobody deletes or drops what is critical by mistake');
  const found = missing.slice(0, 20).map(({ objectName, problem }) => `${objectName} ${problem}`);
  const mend =
    'npx nighttrain migrate; event triggers and guard_ddl need a superuser: npx nighttrain migrate --bootstrap; another function is made again as in migration 1790000000009-guards.sql';
  return warn('guards', found.join('\n'), mend);
}

async function checkChains(warehouse: DataSource): Promise<Finding> {
  const broken = await warehouse.query<{ dataset: string; seq: number; problem: string }[]>(
    `select p.dataset, b.seq, b.problem from nighttrain.dataset_policy p, nighttrain.broken_links(p.dataset) b limit 20`,
  );
  if (broken.length === 0)
    return ok('audit chains', 'every committed batch is an unchanged link of its chain');
  const found = broken.map(({ dataset, seq, problem }) => `${dataset}, link ${seq}: ${problem}`).join('\n');
  return fail(
    'audit chains',
    found,
    'Somebody changed the ledger: keep a copy as evidence, find out who, restore it.',
  );
}
