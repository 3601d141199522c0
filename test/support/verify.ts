import type { DataSource } from 'typeorm';

/** A pool, or one transaction of it. */
type Queryable = Pick<DataSource, 'query'>;

/**
 * Reads the database alone and says what of R1–R9 and R16 it breaks, a sentence each; none means good.
 * Call it when nothing is being loaded: what runs looks unfinished.
 */
export async function verify(database: Queryable): Promise<string[]> {
  const found: string[] = [];
  for (const check of CHECKS) found.push(...(await sentences(database, check)));
  found.push(...(await countVersions(database)), ...(await traceMerged(database)));
  return found;
}

async function sentences(database: Queryable, sql: string): Promise<string[]> {
  const rows = await database.query<{ violation: string }[]>(sql);
  return rows.map(({ violation }) => violation);
}

/** Each answers sentences in a column `violation`. */
const CHECKS = [
  // R1: what is published has its proof, and what has a proof is published
  `select format('R1: %s of %s is published without a ledger row of its own', p.dataset, p.business_date) as violation
   from nighttrain.published_day p left join nighttrain.load_batch b using (load_id)
   where b.load_id is null or (b.dataset, b.business_date) <> (p.dataset, p.business_date)`,
  `select distinct format('R1: %s of %s has a ledger row, but is not published', b.dataset, b.business_date) as violation
   from nighttrain.load_batch b
   where not exists (
     select from nighttrain.published_day p where (p.dataset, p.business_date) = (b.dataset, b.business_date))`,
  `select format('R1: readers of %s of %s see an older version than the ledger''s last', p.dataset, p.business_date)
     as violation
   from nighttrain.published_day p
   where p.load_id <> (
     select b.load_id from nighttrain.load_batch b join nighttrain.audit_chain c using (load_id)
     where (b.dataset, b.business_date) = (p.dataset, p.business_date) order by c.seq desc limit 1)`,
  `select format('R1: the table %s of %s of %s is not where readers look', coalesce(p.folded_into, b.table_name),
     b.dataset, b.business_date) as violation
   from nighttrain.published_day p
     join nighttrain.load_batch b using (load_id)
     join nighttrain.dataset_policy d on d.dataset = b.dataset and d.write_mode = 'replaceDay'
   where not exists (
     select from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where c.oid = to_regclass(format('warehouse.%I', coalesce(p.folded_into, b.table_name)))
       and i.inhparent = to_regclass(format('warehouse.%I', d.table_name))
       and pg_get_expr(c.relpartbound, c.oid) = (
         select format('FOR VALUES IN (%s)', string_agg(format('%L', same.business_date), ', ' order by same.business_date))
         from nighttrain.published_day same
         where same.dataset = p.dataset
           and (same.business_date = p.business_date or same.folded_into = p.folded_into)))`,
  `select format('R1: readers see the table %s, which no published day names', i.inhrelid::regclass) as violation
   from nighttrain.dataset_policy d
     join pg_inherits i on i.inhparent = to_regclass(format('warehouse.%I', d.table_name))
     join pg_class c on c.oid = i.inhrelid
   where not exists (
     select from nighttrain.published_day p join nighttrain.load_batch b using (load_id)
     where p.dataset = d.dataset and coalesce(p.folded_into, b.table_name) = c.relname)`,
  `select format('R1: a load left the table %s behind', c.oid::regclass) as violation
   from pg_class c
   where c.relnamespace = 'warehouse'::regnamespace and c.relkind = 'r' and not c.relispartition
     and not exists (select from nighttrain.dataset_policy d where d.table_name = c.relname)`,
  `select format('R1: the table %s was opened and never published', table_name) as violation from nighttrain.opened_table`,
  `select format('R1: %s of %s is folded into %s, which no fold has proved', p.dataset, p.business_date, p.folded_into)
     as violation
   from nighttrain.published_day p
   where p.folded_into is not null and not exists (
     select from nighttrain.fold_day f join nighttrain.load_batch b using (load_id)
     where f.load_id = p.load_id and f.to_table = p.folded_into and f.rows = b.rows_loaded)`,
  // R2, R3, R4
  `select format('R2: %s of %s is loaded with %s of %s rows rejected', b.dataset, b.business_date, rows_rejected,
     rows_read - rows_discarded) as violation
   from nighttrain.load_batch b join nighttrain.dataset_policy d using (dataset)
   where rows_rejected * 100 > reject_limit_percent * (rows_read - rows_discarded)`,
  `select format('R3: %s of %s is loaded from an empty source', b.dataset, b.business_date) as violation
   from nighttrain.load_batch b join nighttrain.dataset_policy d using (dataset)
   where rows_read - rows_discarded = 0 and not allow_empty`,
  `select format('R4: the counts of %s of %s do not add up', dataset, business_date) as violation
   from nighttrain.load_batch
   where rows_read <> rows_loaded + rows_rejected + rows_discarded + rows_deduplicated`,
  // R5: figures count the latest closed attempt; its first 100,000 rejected rows are kept
  `select format('R5: %s rows of %s of %s are rejected, quarantine has %s', rows_rejected, dataset, business_date, kept)
     as violation
   from (
     select distinct on (dataset, business_date) * from nighttrain.attempt
     where state <> 'running' order by dataset, business_date, epoch desc
   ) a, lateral (
     select count(*) as kept from nighttrain.quarantine q
     where (q.dataset, q.business_date) = (a.dataset, a.business_date) and q.epoch in (a.epoch, a.load_epoch)
   ) q
   where state in ('loaded', 'refused') and kept <> least(coalesce(rows_rejected, 0), 100000)`,
  // R6
  `select format('R6: %s of %s was loaded at epoch %s, the fence is at %s', b.dataset, b.business_date, b.epoch,
     coalesce(f.epoch::text, 'none')) as violation
   from nighttrain.load_batch b left join nighttrain.run_fence f using (dataset, business_date)
   where f.epoch is null or b.epoch > f.epoch`,
  `select format('R6: epoch %s of %s of %s was committed after epoch %s of the same day', epoch, dataset, business_date,
     before) as violation
   from (
     select b.*, lag(epoch) over (partition by b.dataset, business_date order by c.seq) as before
     from nighttrain.load_batch b join nighttrain.audit_chain c using (load_id)
   ) b
   where before > epoch`,
  `select format('R6: epoch %s of %s of %s was committed after run %s had taken the day over', b.epoch, b.dataset,
     b.business_date, a.owner_run_id) as violation
   from nighttrain.load_batch b
     join nighttrain.audit_chain c using (load_id)
     join nighttrain.attempt a on (a.dataset, a.business_date) = (b.dataset, b.business_date)
   where a.epoch > b.epoch and a.owner_run_id <> b.owner_run_id and a.started_at < c.committed_at`,
  `select format('R6: session %s (pid %s) of a load is still there', application_name, pid) as violation
   from pg_stat_activity where datname = current_database() and application_name like 'nt:%'`,
  // R7, R8, R13: the outcome is what the ledger says
  `select format('R7: the attempt at %s of %s is recorded as loaded, the ledger has no row of it', a.dataset,
     a.business_date) as violation
   from nighttrain.attempt a
   where a.state = 'loaded' and not exists (
     select from nighttrain.load_batch b where b.load_id = a.load_id and b.owner_run_id = a.owner_run_id)`,
  `select format('R8: the attempt at %s of %s is recorded as %s, the ledger says it loaded', a.dataset,
     a.business_date, a.state) as violation
   from nighttrain.attempt a
     join nighttrain.load_batch b using (dataset, business_date, owner_run_id)
   where a.state not in ('loaded', 'running')`,
  // R9
  `select format('R9: run %s has loaded %s of %s %s times', owner_run_id, dataset, business_date, count(*)) as violation
   from nighttrain.load_batch group by owner_run_id, dataset, business_date having count(*) > 1`,
  // R16
  `select format('R16: link %s of %s: %s', l.seq, d.dataset, l.problem) as violation
   from nighttrain.dataset_policy d, lateral nighttrain.broken_links(d.dataset) l`,
];

/** R1, R4: the table that holds a version has as many rows of its day as the ledger says, published or in history. */
async function countVersions(database: Queryable): Promise<string[]> {
  const versions = await database.query<
    {
      day: string;
      date: string;
      name: string | null;
      tableName: string;
      rows: number;
      isPublished: boolean;
    }[]
  >(
    `select format('%s of %s', b.dataset, b.business_date) as day, b.business_date as date,
       coalesce(p.folded_into, b.table_name) as "tableName",
       b.rows_loaded as rows, p.load_id is not null as "isPublished",
       coalesce(to_regclass(format('warehouse.%I', coalesce(p.folded_into, b.table_name))),
         to_regclass(format('warehouse_history.%I', b.table_name)))::text as name
     from nighttrain.load_batch b
       join nighttrain.dataset_policy d on d.dataset = b.dataset and d.write_mode = 'replaceDay'
       left join nighttrain.published_day p using (load_id)`,
  );
  const found: string[] = [];
  for (const { day, date, name, tableName, rows, isPublished } of versions) {
    if (name === null) {
      if (isPublished) found.push(`R1: the table ${tableName} of ${day} is gone`);
      continue; // an old version may have reached its retention
    }
    const [row] = await database.query<{ there: number }[]>(
      `select count(*) as there from ${name} where business_date = $1`,
      [date],
    );
    if (row?.there !== rows)
      found.push(`R1: the ledger says ${rows} rows of ${day}, ${name} has ${row?.there}`);
  }
  return found;
}

/** R1: every row of a merged table was last changed by a batch that the ledger has. */
async function traceMerged(database: Queryable): Promise<string[]> {
  const merged = await database.query<{ dataset: string; name: string }[]>(
    `select dataset, to_regclass(format('warehouse.%I', table_name))::text as name
     from nighttrain.dataset_policy where write_mode = 'merge'`,
  );
  const found: string[] = [];
  for (const { dataset, name } of merged) {
    const [row] = await database.query<{ strays: number }[]>(
      `select count(*) as strays from ${name} t
       where not exists (select from nighttrain.load_batch b where b.load_id = t.load_id and b.dataset = $1)`,
      [dataset],
    );
    if (row && row.strays > 0)
      found.push(`R1: ${row.strays} rows of ${name} come from no batch of the ledger`);
  }
  return found;
}
