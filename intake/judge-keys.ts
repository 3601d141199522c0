import { AMBIGUOUS_KEY, reasonOfAmbiguity } from '../rules/copies.ts';
import type { Dataset } from '../rules/dataset.ts';
import type { Place } from './csv-fields.ts';
import type { Copies, SortedKeys } from './judge.ts';
import type { KeyColumn } from './key-column.ts';
import { readKeys, type KeyGroup } from './key-groups.ts';
import type { RejectLines } from './reject-lines.ts';

/** What was made of a block, but for its keys. */
interface KeyedRows {
  /** In COPY's binary format. */
  readonly rows: Uint8Array;
  /** Of the same block; rows that are rejected come to them. */
  readonly rejects: RejectLines;
  /** Tells where the record of a row is in `bytes`. */
  readonly places: () => (row: number) => Place;
  readonly bytes: Buffer;
}

/** Judges rows that share a key as the warehouse would: of identical ones the first stays, of others none (§5). */
export function judgeKeys(
  dataset: Dataset,
  column: KeyColumn,
  { rows, rejects, places, bytes }: KeyedRows,
): SortedKeys | undefined {
  const keys = readKeys(rows, column);
  if (!keys) return undefined;
  const { first, last, ascend, groups } = keys;
  if (groups.length === 0) return { first, last, ascend };
  const placeOf = places();
  const reason = { column: null, rule: AMBIGUOUS_KEY, reason: reasonOfAmbiguity(dataset) };
  let rejected = 0;
  for (const { row, places: ends, isOfCopies } of groups) {
    if (isOfCopies) continue;
    const copies = ends.length - 1;
    for (let copy = 0; copy < copies; copy++) {
      const { start, end, ...place } = placeOf(row + copy);
      rejects.addBytes(place, reason, bytes, start, end);
    }
    rejected += copies;
  }
  return { first, last, ascend, copies: { ...leftOut(groups), rejected, rejects: rejects.written() } };
}

function leftOut(groups: readonly KeyGroup[]): Pick<Copies, 'stretches' | 'deduplicated'> {
  let deduplicated = 0;
  const stretches = groups.map(({ places, isOfCopies }) => {
    if (isOfCopies) deduplicated += places.length - 2;
    return [places[isOfCopies ? 1 : 0], places.at(-1)] as [number, number];
  });
  return { stretches, deduplicated };
}
