import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planOf } from '../../rules/dataset.ts';
import { EmptySource } from '../../rules/errors.ts';
import { refuseIfBad } from '../../rules/refusal.ts';
import { exceedsRejectLimit, isEmptySource } from '../../rules/reject-limit.ts';
import { fares } from '../support/datasets.ts';
import { dayOf } from '../support/intake.ts';

describe('the reject limit (R2)', () => {
  test('a night with exactly 30 % rejected rows is loaded', () => {
    expect(exceedsRejectLimit({ read: 10, discarded: 0, rejected: 3 }, 30)).toBe(false);
  });

  test('one rejected row more, and it is refused', () => {
    expect(exceedsRejectLimit({ read: 10, discarded: 0, rejected: 4 }, 30)).toBe(true);
    expect(exceedsRejectLimit({ read: 1_000_000, discarded: 0, rejected: 300_001 }, 30)).toBe(true);
  });

  test('discarded rows weaken nobody: they count on neither side', () => {
    const rows = fc.integer({ min: 0, max: 1e9 });
    fc.assert(
      fc.property(rows, rows, rows, fc.integer({ min: 0, max: 100 }), (good, rejected, discarded, limit) => {
        const read = good + rejected;
        expect(exceedsRejectLimit({ read: read + discarded, discarded, rejected }, limit)).toBe(
          exceedsRejectLimit({ read, discarded: 0, rejected }, limit),
        );
      }),
    );
  });

  test('a rejected row more never saves a night, and a limit of 100 % refuses none', () => {
    const rows = fc.integer({ min: 0, max: 1e9 });
    fc.assert(
      fc.property(rows, rows, fc.integer({ min: 0, max: 100 }), (good, rejected, limit) => {
        const read = good + rejected;
        const refused = exceedsRejectLimit({ read, discarded: 0, rejected }, limit);
        const worse = exceedsRejectLimit({ read: read + 1, discarded: 0, rejected: rejected + 1 }, limit);
        expect(refused && !worse).toBe(false);
        expect(exceedsRejectLimit({ read, discarded: 0, rejected }, 100)).toBe(false);
      }),
    );
  });

  test('with a limit of 0 % a single rejected row refuses the night', () => {
    expect(exceedsRejectLimit({ read: 1_000_000, discarded: 0, rejected: 1 }, 0)).toBe(true);
    expect(exceedsRejectLimit({ read: 1_000_000, discarded: 0, rejected: 0 }, 0)).toBe(false);
  });
});

describe('an empty source (R3)', () => {
  test('is one that has nothing for the day, whatever else it sent', () => {
    expect(isEmptySource({ read: 0, discarded: 0 })).toBe(true);
    expect(isEmptySource({ read: 9, discarded: 9 })).toBe(true);
    expect(isEmptySource({ read: 9, discarded: 8 })).toBe(false);
  });

  test('is refused, unless the dataset allows it', () => {
    const day = { dataset: 'fares', businessDate: dayOf('2024-01-01') };
    const plan = planOf(fares);
    const nothing = { read: 2, discarded: 2, rejected: 0 };
    expect(() => refuseIfBad(day, plan, nothing)).toThrow(EmptySource);
    expect(() => refuseIfBad(day, { ...plan, allowEmpty: true }, nothing)).not.toThrow();
    expect(() => refuseIfBad(day, plan, { read: 10, discarded: 0, rejected: 4 })).toThrow(
      'fares of 2024-01-01 is refused: 4 of 10 rows are rejected (40.0 %)',
    );
  });
});
