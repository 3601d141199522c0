import type { DataSource, EntityManager } from 'typeorm';
import type { BusinessDate } from '../rules/business-date.ts';
import { readOnly, readWhereItLies } from './read-only.ts';

/** What an integrity audit found out of order; the dataset and its day where it is theirs alone. */
export interface Problem {
  readonly dataset: string | null;
  readonly businessDate: BusinessDate | null;
  readonly problem: string;
}

interface Version {
  readonly loadId: string;
  readonly dataset: string;
  readonly businessDate: BusinessDate;
  readonly rows: number;
}

/** Where a version of a day lies now. */
interface Place {
  /** As SQL has it. */
  readonly name: string;
  readonly isThere: boolean;
  readonly isPublished: boolean;
  /** Whether whoever reads the dataset's table sees it. */
  readonly isSeen: boolean;
}

/**
 * Versions of days that do not hold as many rows as the ledger says, published or in history (R1, R4). Each is counted in a
 * transaction of its own, and in its own table: a reader's lock held for longer would hold up the replay of its day, and one
 * on the dataset's table that of every other (R11).
 */
export async function countVersions(warehouse: DataSource): Promise<Problem[]> {
  const versions = await readOnly(warehouse, (tx) =>
    tx.query<Version[]>(
      `select b.load_id as "loadId", b.dataset, b.business_date as "businessDate", b.rows_loaded as rows
       from nighttrain.load_batch b
         join nighttrain.dataset_policy d on d.dataset = b.dataset and d.write_mode = 'replaceDay'
       order by b.dataset, b.business_date, b.epoch`,
    ),
  );
  const problems: Problem[] = [];
  for (const version of versions) {
    const problem = await readWhereItLies(warehouse, (tx) => problemOf(tx, version));
    const { dataset, businessDate } = version;
    if (problem !== undefined) problems.push({ dataset, businessDate, problem });
  }
  return problems;
}

async function problemOf(tx: EntityManager, version: Version): Promise<string | undefined> {
  const place = await placeOf(tx, version);
  if (!place) return undefined; // whoever took its row from the ledger has broken the chain
  const { name, isThere, isPublished, isSeen } = place;
  if (!isThere && !isPublished) return undefined; // retention gave it up
  const there = isThere ? await countDay(tx, name, version.businessDate) : 'none: it is gone';
  if (there !== version.rows) return `the ledger says ${version.rows} rows, ${name} has ${there}`;
  return isPublished && !isSeen ? `readers do not see ${name}: it was detached` : undefined;
}

/** Ledger and catalog are asked as of one moment: `to_regclass` would know of a fold that the ledger's rows do not. */
async function placeOf(tx: EntityManager, { loadId }: Version): Promise<Place | undefined> {
  const [place] = await tx.query<Place[]>(
    `select format('%I.%I', part.schema, part.name) as name, c.oid is not null as "isThere",
       p.load_id is not null as "isPublished",
       exists (
         select from pg_inherits i
         where i.inhrelid = c.oid and i.inhparent = to_regclass(format('warehouse.%I', d.table_name))) as "isSeen"
     from nighttrain.load_batch b
       join nighttrain.dataset_policy d using (dataset)
       left join nighttrain.published_day p using (load_id)
       cross join lateral (
         select coalesce(p.folded_into, b.table_name) as name,
           case when p.load_id is null then 'warehouse_history' else 'warehouse' end as schema
       ) part
       left join pg_class c on c.relname = part.name and c.relnamespace = part.schema::regnamespace
     where b.load_id = $1`,
    [loadId],
  );
  return place;
}

async function countDay(tx: EntityManager, name: string, date: BusinessDate): Promise<number> {
  const [row] = await tx.query<{ there: number }[]>(
    `select count(*) as there from ${name} where business_date = $1`,
    [date],
  );
  return row?.there ?? 0;
}

/** Rows of merged tables that no batch of the ledger has written (R1). */
export async function traceMerged(warehouse: DataSource): Promise<Problem[]> {
  const merged = await readOnly(warehouse, (tx) =>
    tx.query<{ dataset: string; name: string | null }[]>(
      `select dataset, to_regclass(format('warehouse.%I', table_name))::text as name
       from nighttrain.dataset_policy where write_mode = 'merge' order by 1`,
    ),
  );
  const problems: Problem[] = [];
  for (const { dataset, name } of merged) {
    if (name === null) {
      problems.push({ dataset, businessDate: null, problem: 'its table is gone' });
      continue;
    }
    const [row] = await readOnly(warehouse, (tx) =>
      tx.query<{ strays: number }[]>(
        `select count(*) as strays from ${name} t
         where not exists (select from nighttrain.load_batch b where b.load_id = t.load_id and b.dataset = $1)`,
        [dataset],
      ),
    );
    if (row && row.strays > 0) {
      const problem = `${row.strays} rows of ${name} were written by no batch of the ledger`;
      problems.push({ dataset, businessDate: null, problem });
    }
  }
  return problems;
}
