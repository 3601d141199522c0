import fc from 'fast-check';
import { expect, test } from 'vitest';
import flights from '../../datasets/flights.ts';
import insuranceMovements from '../../datasets/insurance-movements.ts';
import { addDays, firstOfMonth } from '../../rules/business-date.ts';
import { UsageError } from '../../rules/errors.ts';
import { isDateOf, problemOfDate, requireDateOf } from '../../rules/month.ts';
import { fares, unscheduled } from '../support/datasets.ts';
import { dayOf } from '../support/intake.ts';

test('a month has one date, its first day, with a schedule and without; a daily dataset has every day', () => {
  const monthly = [insuranceMovements, unscheduled(insuranceMovements)];
  fc.assert(
    fc.property(fc.nat({ max: 40_000 }), (days) => {
      const date = addDays(dayOf('2000-01-01'), days);
      for (const dataset of monthly) expect(isDateOf(dataset, date)).toBe(date === firstOfMonth(date));
      for (const dataset of [flights, fares]) expect(isDateOf(dataset, date)).toBe(true);
    }),
  );
});

test('a schedule has the last word: a night a day may bring the month so far', () => {
  const daily = { ...flights, dayOfRow: insuranceMovements.dayOfRow };
  expect(isDateOf(daily, dayOf('2022-09-15'))).toBe(true);
});

test('another day of the month is refused with the command to type', () => {
  const command = (date: string) => `run insurance-movements --date ${date}`;
  const check = (date: string) => () => requireDateOf(insuranceMovements, dayOf(date), command);
  expect(check('2022-09-01')).not.toThrow();
  expect(problemOfDate(insuranceMovements, dayOf('2022-09-01'))).toBeUndefined();
  expect(check('2022-09-15')).toThrow(UsageError);
  expect(check('2022-09-15')).toThrow(
    expect.objectContaining({
      message: '2022-09-15 is no date of insurance-movements: its whole month is loaded as 2022-09-01',
      hint: 'Name the first of the month: npx nighttrain run insurance-movements --date 2022-09-01',
    }),
  );
});
