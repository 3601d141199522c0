import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Ordinals } from '../../rules/ordinals.ts';

const places = fc.array(fc.nat({ max: 50_000 }), { maxLength: 300 });

test('the places of rows are kept once each and read in their order', () => {
  fc.assert(
    fc.property(places, fc.nat({ max: 60_000 }), (given, other) => {
      const ordinals = new Ordinals(given);
      const expected = [...new Set(given)].sort((a, b) => a - b);
      expect([...ordinals]).toEqual(expected);
      expect(ordinals.size).toBe(expected.length);
      expect(ordinals.has(other)).toBe(given.includes(other));
    }),
  );
});

test('whether one of them is in a part of the night is known, its bounds included and excluded', () => {
  fc.assert(
    fc.property(places, fc.nat({ max: 60_000 }), fc.nat({ max: 20 }), (given, first, rows) => {
      const end = first + rows;
      const expected = given.some((ordinal) => ordinal >= first && ordinal < end);
      expect(new Ordinals(given).hasBetween(first, end)).toBe(expected);
    }),
  );
  const one = new Ordinals([17]);
  expect([one.hasBetween(17, 18), one.hasBetween(16, 17), one.hasBetween(18, 30)]).toEqual([
    true,
    false,
    false,
  ]);
});
