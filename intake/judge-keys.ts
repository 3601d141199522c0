import { AMBIGUOUS_KEY, reasonOfAmbiguity } from '../rules/copies.ts';
import type { Dataset } from '../rules/dataset.ts';
import { asBuffer } from './as-buffer.ts';
import { rawOf, type Place } from './csv-fields.ts';
import { jsonLine } from './json-lines.ts';
import type { Copies, SortedKeys } from './judge.ts';
import type { KeyColumn } from './key-column.ts';
import { readKeys, type KeyGroup } from './key-groups.ts';

/**
 * Judges rows that share a key as the warehouse would: of identical ones the first stays, of others none (§5).
 * @param rows in COPY's binary format
 * @param rejects of the same records, as JSON lines
 * @param places tells where the record of a row is in `bytes`
 */
export function judgeKeys(
  { dataset, part }: { readonly dataset: Dataset; readonly part: number },
  column: KeyColumn,
  { rows, rejects }: { readonly rows: Uint8Array; readonly rejects: Uint8Array },
  places: () => (row: number) => Place,
  bytes: Buffer,
): SortedKeys | undefined {
  const keys = readKeys(rows, column);
  if (!keys) return undefined;
  const { first, last, ascend, groups } = keys;
  if (groups.length === 0) return { first, last, ascend };
  const placeOf = places();
  const rejectedLine = (row: number): NumberedLine => {
    const { record, line, ...span } = placeOf(row);
    const raw = rawOf(bytes, span, dataset.bounds.recordBytes);
    const rejected = { part, record, line, column: null, rule: AMBIGUOUS_KEY, reason, raw };
    return { record, text: jsonLine(rejected) };
  };
  const reason = reasonOfAmbiguity(dataset);
  const contradicting = groups.filter(({ isOfCopies }) => !isOfCopies);
  const rejected = contradicting.flatMap(({ row, places: { length } }) =>
    Array.from({ length: length - 1 }, (_, index) => row + index),
  );
  return {
    first,
    last,
    ascend,
    copies: {
      ...leftOut(groups),
      rejected: rejected.length,
      rejects: inOrderOfRecords(rejects, rejected.map(rejectedLine)),
    },
  };
}

interface NumberedLine {
  readonly record: number;
  readonly text: string;
}

/** Both are in it already, each for itself. */
function inOrderOfRecords(rejects: Uint8Array, more: readonly NumberedLine[]): Buffer {
  const lines = asBuffer(rejects)
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line): NumberedLine => ({ record: recordOf(line), text: `${line}\n` }));
  const all = [...lines, ...more].sort((a, b) => a.record - b.record);
  return Buffer.from(all.map(({ text }) => text).join(''));
}

/** Of a line as `Judge` writes it. */
function recordOf(line: string): number {
  return Number(/^\{"part":\d+,"record":(\d+),/.exec(line)?.[1]);
}

function leftOut(groups: readonly KeyGroup[]): Pick<Copies, 'stretches' | 'deduplicated'> {
  let deduplicated = 0;
  const stretches = groups.map(({ places, isOfCopies }) => {
    if (isOfCopies) deduplicated += places.length - 2;
    return [places[isOfCopies ? 1 : 0], places.at(-1)] as [number, number];
  });
  return { stretches, deduplicated };
}
