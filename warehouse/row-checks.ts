import type { EntityManager } from 'typeorm';
import type { Dataset } from '../rules/dataset.ts';
import type { OpenedTable } from './day-table.ts';

/** A row that SQL found unfit, by its ordinal (from 0) in the stream that was copied. */
export interface UnfitRow {
  readonly ordinal: number;
  readonly column: string | null;
  readonly rule: string;
  readonly reason: string;
}

/** What must not be published, and why. */
export interface RowChecks {
  readonly rejected: readonly UnfitRow[];
  /** Ordinals of identical copies of a row that stays. */
  readonly deduplicated: readonly number[];
  /** Ordinals of rows older than another of their key (`latestBy`). */
  readonly superseded: readonly number[];
}

/** A table filled by one COPY has its rows by ctid in the order of the stream (§5). */
export const NUMBERED = (table: OpenedTable) =>
  `select row_number() over (order by ctid) - 1 as ordinal, d.* from warehouse.${table.name} d`;

/** Finds orphans among the references and, where the key could not be built, the rows that share one (§5). */
export async function checkRows(
  tx: EntityManager,
  table: OpenedTable,
  dataset: Dataset,
  keyIsUnique: boolean,
): Promise<RowChecks> {
  const orphans = await findOrphans(tx, table, dataset);
  if (keyIsUnique) return { rejected: orphans, deduplicated: [], superseded: [] };
  const copies = await findCopies(
    tx,
    table,
    dataset,
    orphans.map(({ ordinal }) => ordinal),
  );
  const named = (verdict: string) =>
    copies.filter((copy) => copy.verdict === verdict).map(({ ordinal }) => ordinal);
  const key = dataset.key.join(', ');
  const ambiguous = named('ambiguous').map((ordinal) => ({
    ordinal,
    column: null,
    rule: 'ambiguous-key',
    reason: `another row has the same ${key} and says something else`,
  }));
  return {
    rejected: [...orphans, ...ambiguous].sort((a, b) => a.ordinal - b.ordinal),
    deduplicated: named('copy'),
    superseded: named('superseded'),
  };
}

/** Rows whose reference the warehouse lacks; a row with two of them is named once. */
async function findOrphans(tx: EntityManager, table: OpenedTable, dataset: Dataset): Promise<UnfitRow[]> {
  const orphans = new Map<number, UnfitRow>();
  for (const [name, column] of Object.entries(dataset.columns)) {
    if (!column.reference) continue;
    const { table: parent, column: parentColumn } = column.reference;
    const rows = await tx.query<{ ordinal: number; value: string }[]>(
      `select ordinal, ${name}::text as value from (${NUMBERED(table)}) child
       where ${name} is not null
         and not exists (select from warehouse.${parent} p where p.${parentColumn} = child.${name})`,
    );
    for (const { ordinal, value } of rows) {
      if (orphans.has(ordinal)) continue;
      const shown = column.isPersonal ? 'a value' : `'${value.slice(0, 100)}'`;
      const reason = `has ${shown}, which warehouse.${parent} does not know`;
      orphans.set(ordinal, { ordinal, column: name, rule: 'unknown-reference', reason });
    }
  }
  return [...orphans.values()];
}

/**
 * Rows that share a key: identical copies after the first, rows superseded by a later one (`latestBy`), and rows that
 * contradict each other, of which nobody knows the right one. `orphans` are out of the question already.
 */
function findCopies(
  tx: EntityManager,
  table: OpenedTable,
  dataset: Dataset,
  orphans: readonly number[],
): Promise<{ ordinal: number; verdict: string }[]> {
  const key = dataset.key.join(', ');
  const content = `row(${Object.keys(dataset.columns)
    .map((name) => `r.${name}`)
    .join(', ')})::text`;
  const rank =
    dataset.latestBy === undefined
      ? '1'
      : `rank() over (partition by ${key} order by ${dataset.latestBy} desc nulls last)`;
  return tx.query(
    `with candidate as (
       select r.*, ${content} as content from (${NUMBERED(table)}) r where not (r.ordinal = any($1::bigint[]))
     ), shared as (
       select ordinal, content, ${key}, count(*) over (partition by ${key}) as rows_of_key, ${rank} as place
       from candidate
     ), judged as (
       select *, row_number() over (partition by ${key}, content order by ordinal) as copy,
         min(content) over (partition by ${key}, place) <> max(content) over (partition by ${key}, place) as contradicted
       from shared where rows_of_key > 1
     )
     select ordinal,
       case
         when place > 1 then 'superseded'
         when contradicted then 'ambiguous'
         when copy > 1 then 'copy'
         else 'kept'
       end as verdict
     from judged order by ordinal`,
    [orphans],
  );
}
