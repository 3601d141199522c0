import { UsageError } from '../../rules/errors.ts';

/** What is said of a name that could not be taken as it is. */
export interface Named {
  readonly name: string;
  readonly review: string | undefined;
}

/**
 * Names that a column or table of ours cannot have, for SQL writes them without quotes: PostgreSQL's reserved key
 * words (appendix C of its manual), its system columns, and the warehouse's own columns.
 */
const TAKEN = new Set(
  `all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast
  char character check coalesce collate collation column concurrently constraint create cross current_catalog
  current_date current_role current_schema current_time current_timestamp current_user dec decimal default deferrable
  desc distinct do else end except exists extract false fetch float for foreign freeze from full grant greatest group
  grouping having ilike in initially inner inout int integer intersect interval into is isnull join json json_array
  json_arrayagg json_exists json_object json_objectagg json_query json_scalar json_serialize json_table json_value
  lateral leading least left like limit localtime localtimestamp merge_action national natural nchar none normalize
  not notnull null nullif numeric offset on only or order out outer overlaps overlay placing position precision
  primary real references returning right row select session_user setof similar smallint some substring symmetric
  system_user table tablesample then time timestamp to trailing treat trim true union unique user using values varchar
  variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces
  xmlparse xmlpi xmlroot xmlserialize xmltable
  tableoid xmin cmin xmax cmax ctid
  business_date load_id version replaced_by replaced_at`.split(/\s+/),
);

/** `Dép. réelle` → `dep_reelle`, `depTime` → `dep_time`. */
export function snakeCase(text: string): string {
  return text
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .replace(/ß/g, 'ss')
    .replace(/[œŒ]/g, 'oe')
    .replace(/[æÆ]/g, 'ae')
    .replace(/[øØ]/g, 'o')
    .replace(/[łŁ]/g, 'l')
    .replace(/[đĐ]/g, 'd')
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z\d]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 50)
    .replace(/_+$/, '');
}

/**
 * Column names for a header, one for each of its cells.
 * @throws UsageError where a cell is blank, or two become one name
 */
export function columnNames(header: readonly string[]): Named[] {
  const blank = header.findIndex((cell) => cell.trim() === '');
  if (blank !== -1)
    throw new UsageError(`Column ${blank + 1} of the sample has no name`, {
      hint: "Ask the source's owner for a header that names every column.",
    });
  const named = header.map((cell, index) => columnName(cell, index));
  const first = new Map<string, string>();
  for (const [index, { name }] of named.entries()) {
    const cell = header[index] ?? '';
    const twin = first.get(name);
    if (twin !== undefined)
      throw new UsageError(`Two columns of the sample would both be called ${name}`, {
        detail: `${JSON.stringify(twin)} and ${JSON.stringify(cell)}`,
        hint: "Rename one in the sample, and ask the source's owner to do the same.",
      });
    first.set(name, cell);
  }
  return named;
}

function columnName(cell: string, index: number): Named {
  const folded = snakeCase(cell);
  if (folded === '') return { name: `column_${index + 1}`, review: 'a name of its own' };
  if (TAKEN.has(folded)) return { name: `source_${folded}`, review: `${folded} is taken, rename it` };
  return { name: /^\d/.test(folded) ? `_${folded}` : folded, review: undefined };
}

/** `freight-movements` → `freight_movement`. English only: a person looks at it. */
export function tableName(dataset: string): Named {
  const singular = dataset
    .replaceAll('-', '_')
    .replace(/_+$/, '')
    .replace(/([^aeiou])ies$/, '$1y')
    .replace(/(ch|sh|x|ss|zz)es$/, '$1')
    .replace(/([^su])s$/, '$1');
  return TAKEN.has(singular)
    ? { name: `${singular}_row`, review: `${singular} is a key word of SQL` }
    : { name: singular, review: undefined };
}
