import { expect, test } from 'vitest';
import { findingOf, type NightEnd } from '../../rules/night-end.ts';
import { dayOf } from '../support/intake.ts';

const end = (more: Partial<NightEnd> = {}): NightEnd => ({
  dataset: 'flights',
  businessDate: dayOf('2013-02-08'),
  outcome: 'failed',
  workflowId: 'load/flights/2013-02-08',
  runId: 'run 1',
  ...more,
});
const counts = { read: 110, loaded: null, rejected: 31, discarded: 10, deduplicated: null };

test('a night that loaded is nothing to be told of', () => {
  expect(findingOf(end({ outcome: 'loaded' }))).toBeUndefined();
});

test('the share of rejected rows is of those that were for this day', () => {
  const error = { name: 'Refused', message: 'flights of 2013-02-08 is refused' };
  const finding = findingOf(end({ outcome: 'refused', error, counts, rejectLimitPercent: 30 }));
  expect(finding?.facts?.['number']).toBe('31.0 % of 100 rows rejected, limit 30 %');
});

test('without counts there is no figure, and still an alert', () => {
  const error = { name: 'Refused', message: 'flights of 2013-02-08 is refused' };
  const finding = findingOf(end({ outcome: 'refused', error }));
  expect(finding).toMatchObject({ rule: 'reject-limit-exceeded' });
  expect(finding?.facts).not.toHaveProperty('number');
});

test('the sentence names the night, also where the error does not', () => {
  const unnamed = { name: 'SourceUnavailable', message: 'The API does not answer\nGET /movements' };
  expect(findingOf(end({ error: unnamed }))?.sentence).toBe(
    'flights of 2013-02-08 failed: The API does not answer',
  );
  const named = { name: 'SourceUnavailable', message: 'The source of flights does not answer' };
  expect(findingOf(end({ error: named }))?.sentence).toBe('The source of flights does not answer');
  expect(findingOf(end({ businessDate: null, error: unnamed }))?.sentence).toBe(
    'The night of flights failed: The API does not answer',
  );
});

test('of many rules that rejected rows, those that struck most often are named', () => {
  const rejectedByRule = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`rule-${n}`, n]));
  const named = findingOf(end({ rejectedByRule }))?.facts?.['rejectedByRule'] as Record<string, number>;
  expect(Object.keys(named)).toHaveLength(10);
  expect(named['rule-29']).toBe(29);
});
