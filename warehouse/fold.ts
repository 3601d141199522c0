import { pipeline } from 'node:stream/promises';
import type { PoolClient } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import type { DataSource, EntityManager } from 'typeorm';
import { firstOfMonth, type BusinessDate } from '../rules/business-date.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import type { Dataset } from '../rules/dataset.ts';
import { CommitNotFound, WarehouseUnavailable } from '../rules/errors.ts';
import { openLoadSession, openSession, sessionName, type LoadSession } from './data-source.ts';
import { evict, type Session } from './evict.ts';
import { isTableGone, sqlStateOf, warehouseError } from './failure.ts';
import { checkNoDayIsLost } from './lost-days.ts';

/** Where the rows of a day lie, and where they go. Both tables are in schema `warehouse`, and named by PostgreSQL. */
interface Move {
  readonly businessDate: BusinessDate;
  readonly from: string;
  readonly to: string;
  /** The day's epoch now. */
  readonly epoch: number;
}

/** How a fold is stopped, and what it tells meanwhile. */
export interface FoldContext {
  readonly signal: AbortSignal;
  readonly progress: (rows: number) => void;
}

/** What a fold has done. */
export interface Folded {
  readonly foldId: string;
  readonly days: number;
  readonly rows: number;
}

/**
 * Puts the days of a month into one table. What is published meanwhile wins: `isFoldOvertaken` tells such a failure,
 * and nothing was done. Whoever was folding this month before is evicted: nobody else would end a session that froze.
 * @param month its first day
 * @throws WarehouseRejected where a day of it is lost or damaged
 */
export async function foldMonth(
  warehouse: DataSource,
  loaderUrl: string,
  dataset: Dataset,
  month: BusinessDate,
  context: FoldContext,
): Promise<Folded> {
  await checkNoDayIsLost(warehouse, dataset.name, month);
  const session = `nighttrain fold ${dataset.name} ${month.slice(0, 7)}`;
  await evict(warehouse, await sessionsNamed(warehouse, session));
  return move(warehouse, loaderUrl, dataset, { kind: 'fold', month, session }, context);
}

/**
 * Puts each day of a month into a table of its own again, for a load of one of them: in a session that bears the load's
 * name, and is evicted with it.
 */
export function unfoldMonth(
  warehouse: DataSource,
  loaderUrl: string,
  dataset: Dataset,
  load: DatasetDay & { readonly epoch: number },
  context: FoldContext,
): Promise<Folded> {
  const session = sessionName(load, load.epoch);
  const month = firstOfMonth(load.businessDate);
  return move(warehouse, loaderUrl, dataset, { kind: 'unfold', month, session }, context);
}

/** Copies days into new tables and has COMMIT put these in the places of the old ones (R1). */
async function move(
  warehouse: DataSource,
  loaderUrl: string,
  dataset: Dataset,
  what: { readonly kind: 'fold' | 'unfold'; readonly month: BusinessDate; readonly session: string },
  context: FoldContext,
): Promise<Folded> {
  const { kind, month } = what;
  const name = `${month.slice(0, 7)} of ${dataset.name}`;
  const session = await openSession(loaderUrl, what.session);
  const stop = () => session.cut();
  context.signal.addEventListener('abort', stop, { once: true });
  try {
    context.signal.throwIfAborted();
    const folded = await session.source.transaction('READ COMMITTED', async (tx) => {
      const [opened] = await tx.query<{ foldId: string }[]>(
        'select nighttrain.open_fold($1, $2, $3) as "foldId"',
        [dataset.name, month, kind],
      );
      if (!opened) throw new Error('open_fold answered no row');
      const moves = await movesOf(tx, opened.foldId);
      const rows = await copyDays(tx, loaderUrl, dataset, moves, context);
      await tx.query('select nighttrain.check_fold($1)', [opened.foldId]);
      if (kind === 'unfold') await evict(warehouse, await readersOf(warehouse, moves));
      return { ...opened, days: moves.length, rows };
    });
    await readBack(warehouse, folded.foldId, `the ${kind} of ${name}`);
    return folded;
  } catch (error) {
    context.signal.throwIfAborted(); // the wire was cut, and nothing was done
    if (isTableGone(error))
      throw new WarehouseUnavailable(`A day of ${name} was published meanwhile`, { cause: error });
    throw warehouseError(error, `The ${kind} of ${name} failed`);
  } finally {
    context.signal.removeEventListener('abort', stop);
    await session.source.destroy();
  }
}

/** @throws CommitNotFound where COMMIT did not write it (R7) */
async function readBack(warehouse: DataSource, foldId: string, what: string): Promise<void> {
  const kept = await warehouse.query<unknown[]>('select from nighttrain.fold where fold_id = $1', [foldId]);
  if (kept.length === 0) throw new CommitNotFound(`COMMIT of ${what} was confirmed, yet it is not there`);
}

async function movesOf(tx: EntityManager, foldId: string): Promise<Move[]> {
  return tx.query<Move[]>(
    `select d.business_date as "businessDate", d.from_table as "from", d.to_table as "to", r.epoch
     from nighttrain.fold_day d
       join nighttrain.fold f using (fold_id)
       join nighttrain.run_fence r on r.dataset = f.dataset and r.business_date = d.business_date
     where fold_id = $1 order by d.business_date`,
    [foldId],
  );
}

/**
 * Streams day after day from its old table into its new one; answers how many rows. They go through here because rows
 * that SQL alone had copied would not be frozen: a reader whose snapshot is older than the fold would see an empty month.
 * They are read by a session that bears the name of the day: it holds that table back from whoever takes the day over,
 * who evicts it. Both ends are the same server's, so COPY's binary format fits.
 */
async function copyDays(
  tx: EntityManager,
  loaderUrl: string,
  dataset: Dataset,
  moves: readonly Move[],
  { signal, progress }: FoldContext,
): Promise<number> {
  const [first] = moves;
  if (!first) return 0;
  const writer = (await tx.queryRunner?.connect()) as PoolClient;
  const columns = ['business_date', ...Object.keys(dataset.columns)].join(', ');
  const reading = await openLoadSession(loaderUrl, dayOf(dataset, first), first.epoch);
  try {
    const reader = await readerOf(reading);
    let rows = 0;
    for (const move of moves) {
      const name = sessionName(dayOf(dataset, move), move.epoch);
      await reader.query(`select set_config('application_name', $1, false)`, [name]);
      const out = reader.query(
        copyTo(
          `copy (select ${columns} from warehouse.${move.from} where business_date = '${move.businessDate}')
           to stdout (format binary)`,
        ),
      );
      const into = writer.query(
        copyFrom(`copy warehouse.${move.to} (${columns}) from stdin (format binary, freeze)`),
      );
      await pipeline(out, into, { signal });
      rows += into.rowCount;
      progress(rows);
    }
    return rows;
  } finally {
    reading.cut(); // one that is still sending would be waited for
    await reading.source.destroy();
  }
}

/**
 * What else reads these tables for a fold. What it wants is done now, and one that is frozen would hold up the replay of
 * every day of the month (R11).
 */
function readersOf(warehouse: DataSource, moves: readonly Move[]): Promise<Session[]> {
  return warehouse.query<Session[]>(
    `select distinct a.pid, a.backend_start::text as "backendStart", a.application_name as "applicationName"
     from pg_locks l
       join pg_class c on c.oid = l.relation and c.relnamespace = 'warehouse'::regnamespace
       join pg_stat_activity a on a.pid = l.pid and a.datname = current_database() and a.usename = current_user
     where c.relname = any($1) and a.query like 'copy (select %' and starts_with(a.application_name, 'nt:')`,
    [moves.map(({ from }) => from)],
  );
}

function sessionsNamed(warehouse: DataSource, name: string): Promise<Session[]> {
  return warehouse.query<Session[]>(
    `select pid, backend_start::text as "backendStart", application_name as "applicationName"
     from pg_stat_activity
     where datname = current_database() and usename = current_user and application_name = $1`,
    [name],
  );
}

async function readerOf({ source }: LoadSession): Promise<PoolClient> {
  const runner = source.createQueryRunner();
  return (await runner.connect()) as PoolClient;
}

function dayOf({ name }: Dataset, { businessDate }: Move): DatasetDay {
  return { dataset: name, businessDate };
}

/** The table of its month that a day lies in, in schema `warehouse`; undefined where the day has a table of its own. */
export async function foldedInto(
  database: DataSource | EntityManager,
  day: DatasetDay,
): Promise<string | undefined> {
  const [found] = await database.query<{ table: string }[]>(
    `select folded_into as "table" from nighttrain.published_day
     where dataset = $1 and business_date = $2 and folded_into is not null`,
    [day.dataset, day.businessDate],
  );
  return found?.table;
}

/**
 * Whether a fold gave way: a day of the month was published or folded by somebody else, or taken over while it was read,
 * so that the reading session was evicted.
 */
export function isFoldOvertaken(error: unknown): boolean {
  const { cause } = error instanceof Error ? error : { cause: undefined };
  return isTableGone(cause) || ['40001', '57P01'].includes(sqlStateOf(cause) ?? '');
}

/** A month that is old enough, and in more than one table. */
export interface FoldableMonth {
  readonly dataset: string;
  /** Its first day. */
  readonly month: BusinessDate;
  readonly days: number;
  readonly tables: number;
  readonly rows: number;
}

/**
 * Months to fold, the oldest first; of a month with a day that is being loaded nothing is moved.
 * @param settledHours nothing of it was published for so long: whoever corrects a month does it day by day
 */
export async function foldableMonths(
  warehouse: DataSource,
  settledHours: number,
  dataset: string | null = null,
): Promise<FoldableMonth[]> {
  return warehouse.query<FoldableMonth[]>(
    `with month as (
       select p.dataset, date_trunc('month', p.business_date)::date as month, count(*) as days,
         count(distinct coalesce(p.folded_into, b.table_name)) as tables,
         sum(b.rows_loaded)::bigint as rows, max(c.committed_at) as committed_at
       from nighttrain.published_day p
         join nighttrain.load_batch b using (load_id)
         join nighttrain.audit_chain c using (load_id)
       where $1::text is null or p.dataset = $1
       group by 1, 2
     )
     select m.dataset, m.month, m.days, m.tables, m.rows
     from month m join nighttrain.dataset_policy d on d.dataset = m.dataset and d.write_mode = 'replaceDay'
     where m.tables > 1
       and (clock_timestamp() at time zone 'utc')::date - ((m.month + interval '1 month')::date - 1) > d.fold_after
       and m.committed_at <= clock_timestamp() - make_interval(hours => $2)
       and not exists (
         select from nighttrain.attempt a
         where a.dataset = m.dataset and a.state = 'running'
           and a.business_date >= m.month and a.business_date < m.month + interval '1 month')
     order by m.month, m.dataset`,
    [dataset, settledHours],
  );
}
