import type { Dataset } from '../rules/dataset.ts';
import type { Quarantined } from '../warehouse/quarantine.ts';

/** Stands in the place of what is personal (R17). */
const MASK = '***';

/**
 * How the rejected rows of a dataset are shown. Where it has personal columns the raw text is masked as a whole: of a
 * record that is broken nobody can say which part of it is whose name. Reasons never hold a personal value.
 */
export function maskOf(
  dataset: Dataset,
  isRaw: boolean,
): { readonly isMasked: boolean; readonly mask: (row: Quarantined) => Quarantined } {
  const isMasked = !isRaw && Object.values(dataset.columns).some(({ isPersonal }) => isPersonal);
  return { isMasked, mask: (row) => (isMasked ? { ...row, raw: MASK } : row) };
}

/** For whoever sees masked rows. */
export function maskNote({ name }: Dataset): string {
  return `${name} has personal columns, so the raw text is masked; --raw shows it.`;
}
