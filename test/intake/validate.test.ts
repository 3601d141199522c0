import { describe, expect, test } from 'vitest';
import { createValidator } from '../../intake/validate.ts';
import type { DayOfRow } from '../../rules/dataset.ts';
import { Rejection } from '../../rules/columns.ts';
import { csv, date, defineDataset, integer, text, timestamp } from '../../rules/kit.ts';
import { dayOf } from '../support/intake.ts';

const columns = {
  code: text({ max: 3 }).orReject('no-code'),
  year: integer(),
  month: integer(),
  day: integer(),
  on: date(),
  at: timestamp(),
};
type Name = keyof typeof columns;

function judge(dayOfRow?: DayOfRow<Name>) {
  const dataset = defineDataset({
    name: 'flights',
    about: 'Flights, for tests.',
    table: 'flight',
    source: csv(),
    columns,
    key: ['code'],
    write: 'replaceDay',
    ...(dayOfRow && { dayOfRow }),
  });
  const validate = createValidator(dataset, dayOf('2013-02-01'));
  const good = {
    code: 'AA',
    year: '2013',
    month: '2',
    day: '1',
    on: '2013-02-01',
    at: '2013-02-01T10:00:00Z',
  };
  return (change: Partial<Record<Name, string | null | Rejection>>) =>
    validate(Object.values({ ...good, ...change }));
}

const VALUES = ['AA', '2013', '2', '1', '2013-02-01', '2013-02-01 10:00:00+00'];

describe('a row', () => {
  test('gives the values that PostgreSQL would print, in the order of the columns', () => {
    expect(judge()({})).toEqual(VALUES);
    expect(judge()({ month: '+02', on: null })).toEqual(['AA', '2013', '2', '1', null, VALUES[5]]);
  });

  test('is rejected by the first rule that it breaks, in the order of the columns', () => {
    expect(judge()({ code: null, year: 'x' })).toEqual({
      column: 'code',
      rule: 'no-code',
      reason: 'is missing',
    });
    expect(judge()({ year: 'x', month: 'y' })).toMatchObject({ column: 'year', rule: 'not-an-integer' });
    expect(judge()({ day: new Rejection('wrong-type', 'is an object') })).toEqual({
      column: 'day',
      rule: 'wrong-type',
      reason: 'is an object',
    });
  });
});

describe.each<[string, DayOfRow<Name>, object, object, object, string]>([
  ['a date', { column: 'on' }, { on: '2013-02-02' }, { on: 'no day' }, { on: null }, 'on'],
  ['an instant', { column: 'at' }, { at: '2013-02-01T23:30:00-05:00' }, { at: '?' }, { at: null }, 'at'],
  ['a day of a month', { monthOf: 'on' }, { on: '2013-01-31' }, { on: '2013-02-30' }, { on: null }, 'on'],
  [
    'three numbers',
    { year: 'year', month: 'month', day: 'day' },
    { day: '2' },
    { day: 'x' },
    { day: null },
    'day',
  ],
])('a row with its own day as %s', (_how, dayOfRow, other, unreadable, missing, column) => {
  test('is kept on that day', () => {
    expect(judge(dayOfRow)({})).toEqual(VALUES);
  });

  test('is discarded on another, whatever else is wrong with it', () => {
    expect(judge(dayOfRow)(other)).toBe('discarded');
    expect(judge(dayOfRow)({ code: null, ...other })).toBe('discarded');
  });

  test('is rejected where the day cannot be read, or is missing', () => {
    expect(judge(dayOfRow)(unreadable)).toMatchObject({ column });
    expect(judge(dayOfRow)(missing)).toMatchObject({ column, rule: 'no-day' });
    expect(judge(dayOfRow)({ code: null, ...missing })).toMatchObject({ column: 'code' });
  });
});

test('an instant belongs to its day in UTC', () => {
  expect(judge({ column: 'at' })({ at: '2013-01-31T20:00:00-05:00' })).toHaveLength(6);
});

test('a row of a monthly dataset may be of any day of its month', () => {
  expect(judge({ monthOf: 'on' })({ on: '2013-02-28' })).toHaveLength(6);
  expect(judge({ monthOf: 'at' })({ at: '2013-03-01T00:30:00+01:00' })).toHaveLength(6);
  expect(judge({ monthOf: 'on' })({ on: '2014-02-01' })).toBe('discarded');
});

test('numbers that are no day of the calendar are rejected, not discarded', () => {
  const dayOfRow = { year: 'year', month: 'month', day: 'day' } as const;
  expect(judge(dayOfRow)({ month: '13' })).toMatchObject({ column: 'day', rule: 'no-day' });
  expect(judge(dayOfRow)({ day: '-1' })).toMatchObject({ rule: 'no-day' });
});
