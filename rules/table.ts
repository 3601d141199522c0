import type { Dataset } from './dataset.ts';

/** A column as PostgreSQL has it. */
export interface TableColumn {
  readonly name: string;
  /** As `format_type` prints it. */
  readonly type: string;
  readonly notNull: boolean;
}

/** The table that a dataset needs in schema `warehouse`. */
export interface TableShape {
  readonly name: string;
  /** By `business_date`, one partition a day. */
  readonly partitioned: boolean;
  readonly columns: readonly TableColumn[];
  readonly primaryKey: readonly string[];
}

/**
 * The table that a declaration needs: `replaceDay` adds `business_date` in front, `merge` adds the
 * `load_id` and `version` that last changed a row (§5).
 */
export function tableOf(dataset: Dataset): TableShape {
  const declared = Object.entries(dataset.columns).map(([name, column]) => ({
    name,
    type: column.type,
    notNull: column.missingRule !== undefined,
  }));
  if (dataset.write === 'replaceDay') {
    const businessDate = { name: 'business_date', type: 'date', notNull: true };
    return {
      name: dataset.table,
      partitioned: true,
      columns: [businessDate, ...declared],
      // Days share a table once they are folded, and are asked for by their date; a month never does, and there a column
      // that never changes, put first, slows the key's sort.
      primaryKey:
        dataset.schedule?.cadence === 'monthly'
          ? [...dataset.key, 'business_date']
          : ['business_date', ...dataset.key],
    };
  }
  const versionType =
    dataset.versionBy === undefined ? 'date' : (dataset.columns[dataset.versionBy]?.type ?? 'date');
  return {
    name: dataset.table,
    partitioned: false,
    columns: [
      ...declared,
      { name: 'load_id', type: 'uuid', notNull: true },
      { name: 'version', type: versionType, notNull: true },
    ],
    primaryKey: dataset.key,
  };
}

/** The statements of a dataset's migration; a `merge` table has another beside it for its before-images (§5). */
export function createTableSql({ name, partitioned, columns, primaryKey }: TableShape): string {
  const lines = columns.map(
    (column) => `  ${column.name} ${column.type}${column.notNull ? ' not null' : ''},`,
  );
  const end = partitioned ? ') partition by list (business_date);' : ');';
  const table = [
    `create table warehouse.${name} (`,
    ...lines,
    `  primary key (${primaryKey.join(', ')})`,
    end,
  ];
  const history = [
    '',
    `create table warehouse_history.${name} (`,
    `  like warehouse.${name},`,
    '  replaced_by uuid not null,',
    '  replaced_at timestamptz not null',
    ');',
  ];
  return [...table, ...(partitioned ? [] : history), ''].join('\n');
}
