import type { DataSource } from 'typeorm';
import type { Dataset } from '../rules/dataset.ts';
import { ConfigurationError } from '../rules/errors.ts';
import { tableOf, type TableColumn, type TableShape } from '../rules/table.ts';
import { policyDifferences } from './policy.ts';

/**
 * Holds every declaration against the warehouse.
 * @throws ConfigurationError with every difference, where a declared dataset's table or policy differs from it
 */
export async function checkDatasets(warehouse: DataSource, datasets: readonly Dataset[]): Promise<void> {
  const differences: string[] = [];
  for (const dataset of datasets) {
    const found = [
      ...(await tableDifferences(warehouse, dataset)),
      ...(await policyDifferences(warehouse, dataset)),
    ];
    differences.push(...found.map((difference) => `${dataset.name}: ${difference}`));
  }
  if (differences.length > 0) {
    throw new ConfigurationError('The warehouse is not what the datasets declare', {
      detail: differences.join('\n'),
      hint: 'Write a migration for what changed and run `npx nighttrain migrate`, or take the change back.',
    });
  }
}

async function tableDifferences(warehouse: DataSource, dataset: Dataset): Promise<string[]> {
  const declared = tableOf(dataset);
  const found = await readTable(warehouse, declared.name);
  if (!found) return [`table warehouse.${declared.name} is missing`];
  const differences: string[] = [];
  if (declared.partitioned !== found.partitioned) {
    differences.push(`warehouse.${declared.name} is ${found.partitioned ? '' : 'not '}partitioned`);
  }
  for (const column of declared.columns) {
    const there = found.columns.find(({ name }) => name === column.name);
    if (!there) differences.push(`column ${column.name} ${printed(column)} is missing`);
    else if (printed(there) !== printed(column)) {
      differences.push(
        `column ${column.name} is declared ${printed(column)}, the table has ${printed(there)}`,
      );
    }
  }
  for (const { name } of found.columns) {
    if (!declared.columns.some((column) => column.name === name))
      differences.push(`column ${name} is not declared`);
  }
  if (declared.primaryKey.join() !== found.primaryKey.join()) {
    differences.push(
      `the key is declared (${declared.primaryKey.join(', ')}), the table has (${found.primaryKey.join(', ')})`,
    );
  }
  return differences;
}

function printed({ type, notNull }: TableColumn): string {
  return notNull ? `${type} not null` : type;
}

async function readTable(warehouse: DataSource, name: string): Promise<TableShape | undefined> {
  const columns = await warehouse.query<TableColumn[]>(
    `select attname as name, format_type(atttypid, atttypmod) as type, attnotnull as "notNull"
     from pg_attribute
     where attrelid = to_regclass(format('warehouse.%I', $1::text)) and attnum > 0 and not attisdropped
     order by attnum`,
    [name],
  );
  if (columns.length === 0) return undefined;
  const [rest] = await warehouse.query<{ partitioned: boolean; primaryKey: string[] }[]>(
    `select relkind = 'p' as partitioned,
       array(
         select a.attname::text
         from pg_index i
           cross join unnest(i.indkey::smallint[]) with ordinality k(attnum, ord)
           join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
         where i.indrelid = c.oid and i.indisprimary
         order by k.ord
       ) as "primaryKey"
     from pg_class c
     where oid = to_regclass(format('warehouse.%I', $1::text))`,
    [name],
  );
  return { name, columns, partitioned: rest?.partitioned ?? false, primaryKey: rest?.primaryKey ?? [] };
}
