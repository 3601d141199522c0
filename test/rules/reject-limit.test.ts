import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planOf } from '../../rules/dataset.ts';
import { EmptySource, Refused } from '../../rules/errors.ts';
import { refuseIfBad } from '../../rules/refusal.ts';
import {
  exceedsRejectLimit,
  isEmptySource,
  isPastSaving,
  mayBePastSaving,
  type Judged,
} from '../../rules/reject-limit.ts';
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

describe('the share that a refused night is told', () => {
  const day = { dataset: 'fares', businessDate: dayOf('2024-01-01') };
  const shareOf = (counts: Judged, rejectLimitPercent: number): string => {
    try {
      refuseIfBad(day, { ...planOf(fares), rejectLimitPercent }, counts);
    } catch (error) {
      return /\((.*) %\)$/.exec((error as Error).message)?.[1] ?? '';
    }
    throw new Error('It was not refused');
  };

  test('has one decimal, and more where the limit would look the same', () => {
    expect(shareOf({ read: 930, discarded: 0, rejected: 475 }, 30)).toBe('51.1');
    expect(shareOf({ read: 100_000, discarded: 0, rejected: 30_001 }, 30)).toBe('30.001');
    expect(shareOf({ read: 1_000_000, discarded: 0, rejected: 1 }, 0)).toBe('0.0001');
  });

  test('is never the limit, and never below it', () => {
    const rows = fc.integer({ min: 1, max: 1e9 });
    fc.assert(
      fc.property(rows, fc.integer({ min: 0, max: 99 }), fc.nat({ max: 3 }), (read, limit, more) => {
        const rejected = Math.min(read, Math.floor((limit * read) / 100) + 1 + more);
        expect(Number(shareOf({ read, discarded: 0, rejected }, limit))).toBeGreaterThan(limit);
      }),
    );
  });
});

describe('a night that is refused before it is read to its end (R2)', () => {
  const way = fc.constantFrom('sound', 'rejected', 'discarded');
  const count = (ways: readonly string[]): Judged => ({
    read: ways.length,
    rejected: ways.filter((one) => one === 'rejected').length,
    discarded: ways.filter((one) => one === 'discarded').length,
  });

  test('would be refused if it were, however many records are really left', () => {
    const ways = fc.array(way, { maxLength: 60 });
    const slack = fc.nat({ max: 5 });
    fc.assert(
      fc.property(ways, ways, slack, fc.integer({ min: 0, max: 100 }), (before, after, tooMany, limit) => {
        const isLost = isPastSaving(count(before), after.length + tooMany, limit);
        const isRefused = exceedsRejectLimit(count([...before, ...after]), limit);
        expect(isLost && !isRefused).toBe(false);
      }),
      { numRuns: 5_000 },
    );
  });

  test('is told so at the first record that makes it certain', () => {
    const bad = (rejected: number) => ({ read: rejected + 10, discarded: 10, rejected });
    expect(isPastSaving(bad(300_000), 700_000, 30)).toBe(false);
    expect(isPastSaving(bad(300_001), 699_999, 30)).toBe(true);
  });

  test('is asked what is left of it only where it looks bad, and many rows are rejected', () => {
    expect(mayBePastSaving({ read: 100_000, discarded: 0, rejected: 100_000 }, 30)).toBe(false);
    expect(mayBePastSaving({ read: 100_001, discarded: 0, rejected: 100_001 }, 30)).toBe(true);
    expect(mayBePastSaving({ read: 1_000_000, discarded: 0, rejected: 300_000 }, 30)).toBe(false);
  });

  test('says how much was not read, and is refused whatever else its figures say', () => {
    const day = { dataset: 'fares', businessDate: dayOf('2024-01-01') };
    expect(() => refuseIfBad(day, planOf(fares), { read: 12, discarded: 2, rejected: 8 }, 5)).toThrow(
      expect.objectContaining({
        message: 'fares of 2024-01-01 is refused: 8 of the first 10 rows are rejected (80.0 %)',
        detail:
          'The rest, 5 records at most, was not read: the night is too bad even if all of them are sound. The limit is 30 %; nothing was written.',
      }),
    );
    expect(() => refuseIfBad(day, planOf(fares), { read: 12, discarded: 2, rejected: 1 }, 5)).toThrow(
      Refused,
    );
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
