import { expect, test } from 'vitest';
import { defineDataset, planOf, type Declaration } from '../../rules/dataset.ts';
import { ConfigurationError } from '../../rules/errors.ts';
import { integer, text } from '../../rules/kit.ts';
import { csv } from '../../rules/source.ts';

const sound: Declaration<'id' | 'name'> = {
  name: 'people',
  about: 'Who is who.',
  table: 'person',
  source: csv(),
  columns: { id: integer().orReject(), name: text() },
  key: ['id'],
  write: 'replaceDay',
};

const messageOf = (declaration: Declaration<string>): string => {
  try {
    defineDataset(declaration);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  return 'it is sound';
};

test('what a declaration leaves out has its default', () => {
  expect(defineDataset(sound)).toMatchObject({ rejectLimitPercent: 30, allowEmpty: false, historyDays: 30 });
  const schedule = { at: '02:00', dueBy: '05:00' };
  expect(defineDataset({ ...sound, schedule }).schedule).toMatchObject({
    ...schedule,
    timeZone: 'UTC',
    cadence: 'daily',
    after: [],
  });
});

test('a retry that a dataset sets for itself goes into the plan beside the defaults', () => {
  const { steps } = planOf(defineDataset({ ...sound, steps: { load: { tries: 9 } } }));
  expect(steps.load).toMatchObject({ tries: 9, firstRetryMs: 1_000 });
  expect(steps.extract.tries).toBe(5);
});

test('every problem of a declaration is named at once', () => {
  const broken: Declaration<string> = {
    ...sound,
    name: 'People',
    table: 'Person',
    columns: { id: integer(), load_id: text(), 'two words': text() },
    key: ['id', 'id', 'nowhere'],
    latestBy: 'never',
    rejectLimitPercent: 30.5,
    partsAtOnce: 0,
    schedule: { at: '25:00', dueBy: '5:00' },
  };
  const message = messageOf(broken);
  for (const problem of [
    'its name must be',
    'its table must be',
    'column load_id is kept for the warehouse',
    'column two words must be snake_case',
    'its key names a column twice',
    'column nowhere is not declared',
    'column never is not declared',
    'column id needs orReject()',
    'rejectLimitPercent must be a whole number',
    'partsAtOnce must be at least 1',
    '25:00 is not a time HH:MM',
    '5:00 is not a time HH:MM',
  ]) {
    expect(message).toContain(problem);
  }
});

test.each<[string, Partial<Declaration<string>>]>([
  ['it has no key', { key: [] }],
  ['rejectLimitPercent must be a whole number from 0 to 100', { rejectLimitPercent: 101 }],
  ['column version is kept for the warehouse', { columns: { id: integer().orReject(), version: text() } }],
])('%s', (problem, change) => {
  expect(messageOf({ ...sound, ...change })).toBe(`Dataset people: ${problem}`);
});
