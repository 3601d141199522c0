import { describe, expect, test } from 'vitest';
import { instantsOf } from '../../rules/local-time.ts';
import { latestOwed, nightOf } from '../../rules/night.ts';
import { dayOf } from '../support/intake.ts';

const daily = { at: '02:00', dueBy: '05:00', timeZone: 'UTC', cadence: 'daily', after: [] } as const;
const berlin = { ...daily, at: '03:30', timeZone: 'Europe/Berlin' } as const;

const at = (date: string, time: string, zone: string) =>
  instantsOf(dayOf(date), time, zone).map((instant) => new Date(instant).toISOString());

describe('the clock of a zone', () => {
  test('shows a time once on most days', () => {
    expect(at('2024-06-30', '02:30', 'Europe/Berlin')).toEqual(['2024-06-30T00:30:00.000Z']);
    expect(at('2024-06-30', '00:00', 'Africa/Douala')).toEqual(['2024-06-29T23:00:00.000Z']);
  });

  test('never shows what the spring change leaves out, and twice what the autumn one repeats (R12)', () => {
    expect(at('2024-03-31', '02:30', 'Europe/Berlin')).toEqual([]);
    expect(at('2024-10-27', '02:30', 'Europe/Berlin')).toEqual([
      '2024-10-27T00:30:00.000Z',
      '2024-10-27T01:30:00.000Z',
    ]);
    expect(at('2024-10-27', '03:00', 'Europe/Berlin')).toEqual(['2024-10-27T02:00:00.000Z']);
  });

  test('changes by half an hour in one place, and where a day was left out there is none', () => {
    expect(at('2024-04-07', '01:45', 'Australia/Lord_Howe')).toHaveLength(2);
    expect(at('2011-12-30', '12:00', 'Pacific/Apia')).toEqual([]);
  });
});

describe('a night', () => {
  test('is about the day before its slot, and due on its own day', () => {
    expect(nightOf(daily, '2024-03-05T02:00:00Z')).toEqual({
      businessDate: '2024-03-04',
      dueAt: '2024-03-05T05:00:00.000Z',
    });
  });

  test('is due on the next day where the deadline lies before the slot', () => {
    expect(nightOf({ ...daily, at: '22:00', dueBy: '04:00' }, '2024-03-05T22:00:00Z')).toEqual({
      businessDate: '2024-03-04',
      dueAt: '2024-03-06T04:00:00.000Z',
    });
  });

  test('keeps its business date on both nights of the change', () => {
    expect(nightOf(berlin, '2024-03-31T01:30:00Z')).toEqual({
      businessDate: '2024-03-30',
      dueAt: '2024-03-31T03:00:00.000Z', // 05:00 in summer
    });
    expect(nightOf(berlin, '2024-10-27T02:30:00Z')).toEqual({
      businessDate: '2024-10-26',
      dueAt: '2024-10-27T04:00:00.000Z', // 05:00 in winter
    });
  });
});

describe('the latest day that a schedule owes', () => {
  test('is that of its last slot', () => {
    expect(latestOwed(daily, '2024-03-05T01:59:59Z')).toBe('2024-03-03');
    expect(latestOwed(daily, '2024-03-05T02:00:00Z')).toBe('2024-03-04');
  });

  test('goes by the clock of its zone', () => {
    expect(latestOwed(berlin, '2024-07-05T01:29:00Z')).toBe('2024-07-03');
    expect(latestOwed(berlin, '2024-07-05T01:30:00Z')).toBe('2024-07-04');
  });

  test('of a monthly schedule is the last whole month', () => {
    const monthly = { ...daily, cadence: 'monthly' } as const;
    expect(latestOwed(monthly, '2024-03-01T03:00:00Z')).toBe('2024-02-01');
    expect(latestOwed(monthly, '2024-03-20T03:00:00Z')).toBe('2024-02-01');
    expect(latestOwed(monthly, '2024-03-01T01:00:00Z')).toBe('2024-01-01');
  });
});
