import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addDays,
  businessDateOfNight,
  daysBetween,
  firstOfMonth,
  localDate,
  parseBusinessDate,
} from '../../rules/business-date.ts';
import { dayOf } from '../support/intake.ts';

const days = fc
  .date({ min: new Date('1900-01-01'), max: new Date('2999-12-31'), noInvalidDate: true })
  .map((date) => dayOf(date.toISOString().slice(0, 10)));

test.each([
  '2013-02-30',
  '2013-02-29',
  '1900-02-29',
  '2013-2-01',
  '13-02-01',
  '2013-00-10',
  '2013-04-31',
  '0000-01-01',
  '',
  ' 2013-02-01',
  '2013-02-01T00:00',
])('R18: %j is no day of the calendar', (text) => {
  expect(parseBusinessDate(text)).toBeUndefined();
});

test('R18: every day that the calendar has is one, leap days too', () => {
  expect(parseBusinessDate('2024-02-29')).toBe('2024-02-29');
  expect(parseBusinessDate('2000-02-29')).toBe('2000-02-29');
  fc.assert(fc.property(days, (day) => parseBusinessDate(day) === day));
});

test('days add up as the calendar has them, over years and leap days', () => {
  expect(addDays(dayOf('2024-02-28'), 1)).toBe('2024-02-29');
  expect(addDays(dayOf('2024-12-31'), 1)).toBe('2025-01-01');
  fc.assert(
    fc.property(days, fc.integer({ min: -400, max: 400 }), (day, by) => {
      expect(addDays(addDays(day, by), -by)).toBe(day);
    }),
  );
});

test('a range has both its ends, and none where it runs backwards', () => {
  expect(daysBetween(dayOf('2013-02-27'), dayOf('2013-03-01'))).toEqual([
    '2013-02-27',
    '2013-02-28',
    '2013-03-01',
  ]);
  expect(daysBetween(dayOf('2013-02-01'), dayOf('2013-02-01'))).toEqual(['2013-02-01']);
  expect(daysBetween(dayOf('2013-02-02'), dayOf('2013-02-01'))).toEqual([]);
});

test('a night at 02:00 UTC loads the day before; a month is named by its first', () => {
  expect(businessDateOfNight('2013-03-01T02:00:00Z', 'daily', 'UTC')).toBe('2013-02-28');
  expect(businessDateOfNight('2013-03-01T02:00:00Z', 'monthly', 'UTC')).toBe('2013-02-01');
  expect(businessDateOfNight('2014-01-15T02:00:00Z', 'monthly', 'UTC')).toBe('2013-12-01');
  expect(firstOfMonth(dayOf('2013-02-28'))).toBe('2013-02-01');
});

test('the day before is that of the zone, not of UTC', () => {
  expect(businessDateOfNight('2024-06-30T23:30:00Z', 'daily', 'Africa/Douala')).toBe('2024-06-30');
  expect(businessDateOfNight('2024-07-01T02:00:00Z', 'daily', 'America/New_York')).toBe('2024-06-29');
  expect(localDate('2024-06-30T23:30:00Z', 'Africa/Douala')).toBe('2024-07-01');
});
