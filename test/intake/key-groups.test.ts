import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CopyRows } from '../../intake/copy-rows.ts';
import { readKeys } from '../../intake/key-groups.ts';

const EDGES = [-1n, 0n, 1n].flatMap((by) =>
  [0n, 1n << 31n, -(1n << 31n), 1n << 32n, 1n << 62n].map((edge) => edge + by),
);
const key = fc.oneof(fc.constantFrom(...EDGES), fc.bigInt(-(1n << 63n), (1n << 63n) - 1n));

/** Rows of a text and a bigint. */
function rowsOf(keys: readonly bigint[]): Uint8Array {
  const rows = new CopyRows(32 * (keys.length + 1));
  for (const value of keys) {
    rows.int16(2);
    rows.int32(-1);
    rows.int32(8);
    rows.bigint64(value);
  }
  return rows.written();
}

test('keys ascend as their numbers do, and equal neighbours are a group', () => {
  const keys = fc.array(key, { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(keys, fc.boolean(), (found, sorts) => {
      const numbers = sorts ? found.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)) : found;
      const read = readKeys(rowsOf(numbers), { index: 1, bytes: 8 });
      const ascend = numbers.every((number, at) => at === 0 || (numbers[at - 1] as bigint) <= number);
      expect(read?.first).toBe(numbers[0]);
      expect(read?.ascend).toBe(ascend);
      if (!ascend) return;
      expect(read?.last).toBe(numbers.at(-1));
      const inGroups = read?.groups.flatMap(({ row, places }) =>
        places.slice(1).map((_, copy) => row + copy),
      );
      const shared = [...numbers.keys()].filter((at) =>
        [at - 1, at + 1].some((other) => numbers[other] === numbers[at]),
      );
      expect(inGroups).toEqual(shared);
    }),
    { numRuns: 1_000 },
  );
});
