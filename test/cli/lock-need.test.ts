import { expect, test } from 'vitest';
import { locksNeeded } from '../../cli/doctor/lock-need.ts';

const yearOfDays = { perTransaction: 64, sessions: 100, partitions: 365, foldAfter: 400, locksAPartition: 2 };

test('forty readers of a year of days do not fit the server’s default of 64 locks a transaction, and fit ours', () => {
  const { now, inAYear } = locksNeeded(yearOfDays);
  expect(now).toBe(293); // 40 readers × 366 tables × 2 locks, shared by 100 sessions
  expect(inAYear).toBeLessThan(1024);
});

test('more sessions share one larger table of locks, so that each needs less', () => {
  expect(locksNeeded({ ...yearOfDays, sessions: 400 }).now).toBe(74);
});

test('where days are folded into months, a year more of them needs little more', () => {
  const { now, inAYear } = locksNeeded({ ...yearOfDays, partitions: 140, foldAfter: 90 });
  expect(now).toBe(113);
  expect(inAYear).toBe(220); // 133 tables more: 121 days, and 12 months
});
