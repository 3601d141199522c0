import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addByRule, isConserved } from '../../rules/counts.ts';

const rows = fc.nat(1e9);

test('R4: a night is conserved where every row that was read went one way', () => {
  fc.assert(
    fc.property(rows, rows, rows, rows, (loaded, rejected, discarded, deduplicated) => {
      const read = loaded + rejected + discarded + deduplicated;
      expect(isConserved({ read, loaded, rejected, discarded, deduplicated })).toBe(true);
      expect(isConserved({ read: read + 1, loaded, rejected, discarded, deduplicated })).toBe(false);
    }),
  );
});

test('tallies of parts add up, rule by rule', () => {
  expect(addByRule([{ incomplete: 2 }, {}, { incomplete: 1, 'no-day': 4 }])).toEqual({
    incomplete: 3,
    'no-day': 4,
  });
  expect(addByRule([])).toEqual({});
});
