import type { EntityManager } from 'typeorm';
import type { DatasetDay } from '../rules/dataset-day.ts';
import type { Dataset } from '../rules/dataset.ts';
import type { OpenedTable } from './day-table.ts';
import { askNumbered, NUMBERED } from './numbered-rows.ts';

/** How a night that is not published compares with what readers see, by key (R10). */
export interface Comparison {
  readonly added: number;
  /** Always 0 under `merge`, which removes nothing. */
  readonly removed: number;
  readonly changed: number;
  readonly unchanged: number;
  /** `merge`: differs, but is older than what the table has, which stays. */
  readonly stale: number;
  /** Some of those that are not unchanged; personal columns masked (R17). */
  readonly sample: readonly ComparedRow[];
}

export interface ComparedRow {
  readonly what: 'added' | 'removed' | 'changed' | 'stale';
  readonly key: Readonly<Record<string, unknown>>;
  /** The columns that differ: what readers see, and what they would. */
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

const SAMPLE_ROWS = 5;

/** @param unfit ordinals of rows that would not be published */
export async function compareWithPublished(
  tx: EntityManager,
  table: OpenedTable,
  dataset: Dataset,
  day: DatasetDay,
  unfit: Iterable<number>,
): Promise<Comparison> {
  const columns = Object.keys(dataset.columns);
  const row = (alias: string) => `row(${columns.map((name) => `${alias}.${name}`).join(', ')})`;
  const on = dataset.key.map((name) => `n.${name} = o.${name}`).join(' and ');
  const isDay = dataset.write === 'replaceDay';
  const [first = ''] = dataset.key;
  const found: Found[] = [];
  const asked = askNumbered<Found>(
    tx,
    `with n as (select * from (${NUMBERED(table)}) c where not (ordinal = any($1::bigint[]))),
       o as (select * from warehouse.${dataset.table} where ${isDay ? 'business_date = $2::date' : '$2::date is not null'}),
       pair as (
         select to_jsonb(o) as before, to_jsonb(n) as after,
           case
             when o.${first} is null then 'added'
             when n.${first} is null then 'removed'
             when ${row('n')} is not distinct from ${row('o')} then 'unchanged'
             ${isDay ? '' : `when o.version > n.${dataset.versionBy ?? 'version'} then 'stale'`}
             else 'changed'
           end as what
         from n ${isDay ? 'full' : 'left'} join o on ${on}
       ), placed as (
         select *, row_number() over (partition by what) as place from pair
       )
     select what, count(*) as rows,
       jsonb_agg(jsonb_build_object('before', before, 'after', after))
         filter (where what <> 'unchanged' and place <= ${SAMPLE_ROWS}) as sample
     from placed group by what order by what`,
    [[...unfit], day.businessDate],
  );
  for await (const one of asked) found.push(one);
  const rowsOf = (what: string) => found.find((one) => one.what === what)?.rows ?? 0;
  const sample = found.flatMap(({ what, sample: pairs }) =>
    (pairs ?? []).map(({ before, after }) =>
      comparedRow(what as ComparedRow['what'], dataset, before, after),
    ),
  );
  return {
    added: rowsOf('added'),
    removed: rowsOf('removed'),
    changed: rowsOf('changed'),
    unchanged: rowsOf('unchanged'),
    stale: rowsOf('stale'),
    sample,
  };
}

type Cells = Readonly<Record<string, unknown>> | null;

interface Found {
  readonly what: string;
  readonly rows: number;
  readonly sample: { before: Cells; after: Cells }[] | null;
}

function comparedRow(what: ComparedRow['what'], dataset: Dataset, before: Cells, after: Cells): ComparedRow {
  const shown = (cells: Cells, names: readonly string[]) =>
    cells &&
    Object.fromEntries(names.map((name) => [name, dataset.columns[name]?.isPersonal ? '***' : cells[name]]));
  const differing = Object.keys(dataset.columns).filter(
    (name) => what === 'changed' && JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]),
  );
  return {
    what,
    key: shown(after ?? before, dataset.key) ?? {},
    before: what === 'changed' ? shown(before, differing) : null,
    after: what === 'changed' ? shown(after, differing) : null,
  };
}
