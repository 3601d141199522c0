import type { Dataset } from '../rules/dataset.ts';

/** The one column that is a dataset's key, where it can be compared in encoded rows. */
export interface KeyColumn {
  /** Among the columns. */
  readonly index: number;
  readonly bytes: 4 | 8;
}

/**
 * Undefined where copies of a key are the warehouse's alone to judge: of several columns or a text; with `latestBy`; and
 * where rows refer to others, for a row that is rejected as an orphan contradicts nobody.
 */
export function keyColumnOf({ columns, key, latestBy, write }: Dataset): KeyColumn | undefined {
  const [name, ...others] = key;
  const form = name === undefined ? undefined : columns[name]?.form.is;
  if (others.length > 0 || latestBy !== undefined || write !== 'replaceDay') return undefined;
  if (form !== 'integer' && form !== 'bigint') return undefined;
  if (Object.values(columns).some(({ reference }) => reference)) return undefined;
  return { index: Object.keys(columns).indexOf(name as string), bytes: form === 'integer' ? 4 : 8 };
}
