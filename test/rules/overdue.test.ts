import { describe, expect, test } from 'vitest';
import { parseBusinessDate, type BusinessDate } from '../../rules/business-date.ts';
import type { Schedule } from '../../rules/dataset.ts';
import { datesDue, insideChanges, dueAt } from '../../rules/overdue.ts';

const nightly: Schedule = { at: '02:00', dueBy: '05:00', timeZone: 'UTC', cadence: 'daily', after: [] };
const monthly: Schedule = { ...nightly, cadence: 'monthly' };
const day = (text: string) => parseBusinessDate(text) as BusinessDate;
const due = (schedule: Schedule, since: string, now: string) =>
  datesDue(schedule, day(since), Date.parse(now));

describe('nights that are due', () => {
  test('a night is due on the next morning, not before its deadline', () => {
    expect(due(nightly, '2024-03-01', '2024-03-02T04:59:59Z')).toEqual([]);
    expect(due(nightly, '2024-03-01', '2024-03-02T05:00:00Z')).toEqual(['2024-03-01']);
  });

  test('a deadline before the start lies on the day after', () => {
    const late = { ...nightly, at: '22:00', dueBy: '06:00' };
    expect(due(late, '2024-03-01', '2024-03-02T23:00:00Z')).toEqual([]);
    expect(due(late, '2024-03-01', '2024-03-03T06:00:00Z')).toEqual(['2024-03-01']);
  });

  test('nothing is owed from before the schedule began', () => {
    expect(due(nightly, '2024-03-03', '2024-03-06T12:00:00Z')).toEqual([
      '2024-03-05',
      '2024-03-04',
      '2024-03-03',
    ]);
  });

  test('a monthly dataset owes the first of each month, once the next has begun', () => {
    expect(due(monthly, '2024-01-01', '2024-04-01T05:00:00Z')).toEqual([
      '2024-03-01',
      '2024-02-01',
      '2024-01-01',
    ]);
    expect(new Date(dueAt(monthly, day('2024-12-01'))).toISOString()).toBe('2025-01-01T05:00:00.000Z');
  });

  test('deadlines follow the clock of the zone over both of its changes', () => {
    const paris = { ...nightly, timeZone: 'Europe/Paris' };
    expect(new Date(dueAt(paris, day('2024-03-30'))).toISOString()).toBe('2024-03-31T03:00:00.000Z');
    expect(new Date(dueAt(paris, day('2024-10-26'))).toISOString()).toBe('2024-10-27T04:00:00.000Z');
  });
});

test('R12: a time that the clock skips or shows twice is inside the change, be it start or deadline; an hour later is not', () => {
  const inParis = { ...nightly, at: '02:30', timeZone: 'Europe/Paris' };
  expect(insideChanges(inParis, day('2024-01-01'), 366)).toEqual([
    { day: '2024-03-31', time: '02:30', shown: 'never' },
    { day: '2024-10-27', time: '02:30', shown: 'twice' },
  ]);
  expect(insideChanges({ ...inParis, at: '03:30' }, day('2024-01-01'), 366)).toEqual([]);
  const dueInside = { ...inParis, at: '01:00', dueBy: '02:59' };
  expect(insideChanges(dueInside, day('2024-03-31'), 1)).toEqual([
    { day: '2024-03-31', time: '02:59', shown: 'never' },
  ]);
});
