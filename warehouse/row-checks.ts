import type { EntityManager } from 'typeorm';
import type { Reference } from '../rules/columns.ts';
import { AMBIGUOUS_KEY, reasonOfAmbiguity } from '../rules/copies.ts';
import type { Dataset } from '../rules/dataset.ts';
import { Ordinals } from '../rules/ordinals.ts';
import { buildKeys, type OpenedTable } from './day-table.ts';
import { askNumbered, NUMBERED } from './numbered-rows.ts';

/** Rows whose reference the warehouse lacks, of one column. A row with two such references is in the first alone. */
export interface Orphans {
  readonly column: string;
  /** The table that was asked, without its schema. */
  readonly parent: string;
  readonly rows: Ordinals;
}

/** Rows that share a key, but for the one that stays. */
export interface Copies {
  /** They contradict each other, and nobody knows the right one. */
  readonly ambiguous: Ordinals;
  /** Identical copies of a row that stays. */
  readonly deduplicated: Ordinals;
  /** Older than another of their key (`latestBy`). */
  readonly superseded: Ordinals;
}

/** What must not be published, and why. */
export interface RowChecks extends Copies {
  readonly orphans: readonly Orphans[];
}

/**
 * Builds the key, and finds what must not be published. A clean night pays for a join with each table that it refers to;
 * copies are looked for where the key cannot be built, or where the table has orphans and is not published anyway. (A key
 * that cannot be built is soon given up: at the first copy that the sort meets, 0.3 s to 1 s of 3 s in 5 M rows.)
 */
export async function checkRows(tx: EntityManager, table: OpenedTable, dataset: Dataset): Promise<RowChecks> {
  const orphans = await findOrphans(tx, table, dataset);
  if (orphans.length > 0 || !(await buildKeys(tx, table)))
    return { ...(await findCopies(tx, table, dataset)), orphans };
  return { ...nothingUnfit(), orphans };
}

/** Before SQL has judged, and after it has found nothing. */
export const nothingUnfit = (): RowChecks => ({
  orphans: [],
  ambiguous: new Ordinals(),
  deduplicated: new Ordinals(),
  superseded: new Ordinals(),
});

/** Every row at all that must not be published. */
export function unfitOf(checks: RowChecks): Ordinals {
  return unionOf([rejectedOf(checks), checks.deduplicated, checks.superseded]);
}

/** Those among them that go to quarantine. */
export function rejectedOf({ orphans, ambiguous }: RowChecks): Ordinals {
  return unionOf([...orphans.map(({ rows }) => rows), ambiguous]);
}

function unionOf(sets: readonly Ordinals[]): Ordinals {
  const all = new Ordinals();
  for (const ordinals of sets) for (const ordinal of ordinals) all.add(ordinal);
  return all;
}

/** How many rows SQL rejects, by rule. */
export function rejectedByRule({ orphans, ambiguous }: RowChecks): Readonly<Record<string, number>> {
  const unknown = orphans.reduce((sum, { rows }) => sum + rows.size, 0);
  return {
    ...(unknown > 0 && { [UNKNOWN_REFERENCE]: unknown }),
    ...(ambiguous.size > 0 && { [AMBIGUOUS_KEY]: ambiguous.size }),
  };
}

const UNKNOWN_REFERENCE = 'unknown-reference';

/** The rule by which SQL rejects a row; undefined where it does not. */
export function ruleAgainst({ orphans, ambiguous }: RowChecks, ordinal: number): string | undefined {
  if (orphans.some(({ rows }) => rows.has(ordinal))) return UNKNOWN_REFERENCE;
  return ambiguous.has(ordinal) ? AMBIGUOUS_KEY : undefined;
}

/** Why SQL rejects a row that it does reject. @param values the row as it was staged */
export function rejectionOf(
  { orphans }: RowChecks,
  dataset: Dataset,
  ordinal: number,
  values: readonly (string | null)[],
) {
  const orphan = orphans.find(({ rows }) => rows.has(ordinal));
  if (!orphan) {
    return { column: null, rule: AMBIGUOUS_KEY, reason: reasonOfAmbiguity(dataset) };
  }
  const { column, parent } = orphan;
  const value = values[Object.keys(dataset.columns).indexOf(column)] ?? '';
  const shown = dataset.columns[column]?.isPersonal ? 'a value' : `'${value.slice(0, 100)}'`;
  const reason = `has ${shown}, which warehouse.${parent} does not know`;
  return { column, rule: UNKNOWN_REFERENCE, reason };
}

/** Finds orphans among the references; asks first, by one join that counts, whether there are any. */
async function findOrphans(tx: EntityManager, table: OpenedTable, dataset: Dataset): Promise<Orphans[]> {
  const found: Orphans[] = [];
  for (const [column, { reference }] of Object.entries(dataset.columns)) {
    if (!reference) continue;
    const isOrphan = `r.${column} is not null and not ${isKnown(reference, column)}`;
    const [asked] = await tx.query<{ rows: number }[]>(
      `select count(*) as rows from warehouse.${table.name} r where ${isOrphan}`,
    );
    if (asked?.rows === 0) continue;
    const rows = new Ordinals();
    const question = `select ordinal from (${NUMBERED(table)}) r where ${isOrphan}`;
    for await (const { ordinal } of askNumbered<{ ordinal: number }>(tx, question)) {
      if (!found.some((earlier) => earlier.rows.has(ordinal))) rows.add(ordinal);
    }
    found.push({ column, parent: reference.table, rows });
  }
  return found;
}

/** Of a row `r`: the warehouse has what it refers to. */
function isKnown({ table, column: parentColumn }: Reference, column: string): string {
  return `exists (select from warehouse.${table} p where p.${parentColumn} = r.${column})`;
}

/**
 * Finds rows that share a key: identical copies after the first, rows superseded by a later one (`latestBy`), and rows
 * that contradict each other. The keys that come more than once are found by sorting keys alone; only their rows are
 * numbered, read as a whole and judged. Orphans are out of the question already.
 */
async function findCopies(tx: EntityManager, table: OpenedTable, dataset: Dataset): Promise<Copies> {
  const key = dataset.key.join(', ');
  const known = Object.entries(dataset.columns).map(([name, { reference }]) =>
    reference ? `and (r.${name} is null or ${isKnown(reference, name)})` : '',
  );
  const content = `row(${Object.keys(dataset.columns)
    .map((name) => `r.${name}`)
    .join(', ')})::text`;
  const rank =
    dataset.latestBy === undefined
      ? '1'
      : `rank() over (partition by ${key} order by ${dataset.latestBy} desc nulls last)`;
  const question = `
    with shared as materialized (
      select ${key} from warehouse.${table.name} group by ${key} having count(*) > 1
    ), candidate as (
      select r.*, ${content} as content
      from (${NUMBERED(table)}) r
      where (${dataset.key.map((name) => `r.${name}`).join(', ')}) in (select ${key} from shared)
        ${known.join(' ')}
    ), ranked as (
      select ordinal, content, ${key}, ${rank} as place from candidate
    ), judged as (
      select *, row_number() over (partition by ${key}, content order by ordinal) as copy,
        min(content) over (partition by ${key}, place) <> max(content) over (partition by ${key}, place) as contradicted
      from ranked
    ), verdict as (
      select ordinal,
        case
          when place > 1 then 'superseded'
          when contradicted then 'ambiguous'
          when copy > 1 then 'deduplicated'
        end as verdict
      from judged
    )
    select * from verdict where verdict is not null`;
  const copies: Copies = nothingUnfit();
  for await (const { ordinal, verdict } of askNumbered<{ ordinal: number; verdict: keyof Copies }>(
    tx,
    question,
  ))
    copies[verdict].add(ordinal);
  return copies;
}
