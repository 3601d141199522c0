import type { DataSource, EntityManager } from 'typeorm';
import type { BusinessDate } from '../rules/business-date.ts';
import { readOnly } from './read-only.ts';

/** What an integrity audit found out of order; the dataset and its day where it is theirs alone. */
export interface Problem {
  readonly dataset: string | null;
  readonly businessDate: BusinessDate | null;
  readonly problem: string;
}

interface Version {
  readonly dataset: string;
  readonly businessDate: BusinessDate;
  readonly rows: number;
  /** As SQL has it; null where a replaced version was given up by retention. */
  readonly name: string | null;
  /** Of a replaced version null: nobody is to see it. */
  readonly isSeen: boolean | null;
}

/**
 * Versions of days that do not hold as many rows as the ledger says, published or in history (R1, R4). Each is counted in a
 * transaction of its own, and in its own table: a reader's lock held for longer would hold up the replay of its day, and one
 * on the dataset's table that of every other (R11).
 */
export async function countVersions(warehouse: DataSource): Promise<Problem[]> {
  const versions = await readOnly(warehouse, (tx) =>
    tx.query<Version[]>(
      `select b.dataset, b.business_date as "businessDate", b.rows_loaded as rows,
         case when p.load_id is not null then part.name
           else to_regclass(format('warehouse_history.%I', b.table_name))::text end as name,
         case when p.load_id is not null then exists (
           select from pg_inherits i
           where i.inhrelid = to_regclass(part.name)
             and i.inhparent = to_regclass(format('warehouse.%I', d.table_name))) end as "isSeen"
       from nighttrain.load_batch b
         join nighttrain.dataset_policy d on d.dataset = b.dataset and d.write_mode = 'replaceDay'
         left join nighttrain.published_day p using (load_id)
         cross join lateral format('warehouse.%I', coalesce(p.folded_into, b.table_name)) as part(name)
       order by b.dataset, b.business_date, b.epoch`,
    ),
  );
  const problems: Problem[] = [];
  for (const { dataset, businessDate, rows, name, isSeen } of versions) {
    if (name === null) continue;
    const there = await readOnly(warehouse, (tx) => countDay(tx, name, businessDate));
    if (there !== rows) {
      const problem = `the ledger says ${rows} rows, ${name} has ${there ?? 'none: it is gone'}`;
      problems.push({ dataset, businessDate, problem });
    } else if (isSeen === false) {
      problems.push({ dataset, businessDate, problem: `readers do not see ${name}: it was detached` });
    }
  }
  return problems;
}

/** Undefined where the table is no longer there. */
async function countDay(tx: EntityManager, name: string, date: BusinessDate): Promise<number | undefined> {
  const [table] = await tx.query<{ is: boolean }[]>('select to_regclass($1) is not null as is', [name]);
  if (table?.is !== true) return undefined;
  const [row] = await tx.query<{ there: number }[]>(
    `select count(*) as there from ${name} where business_date = $1`,
    [date],
  );
  return row?.there;
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
