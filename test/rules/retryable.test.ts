import { expect, test } from 'vitest';
import {
  isRetryableSqlState,
  isRetryableStatus,
  LONGEST_RETRY_AFTER_MS,
  retryAfterMs,
} from '../../rules/retryable.ts';

const now = Date.parse('2024-03-05T00:00:00Z');

test.each([
  '40001',
  '40P01',
  '55P03',
  '57014',
  '57P01',
  '57P02',
  '57P03',
  '08006',
  '08001',
  '53100',
  '53300',
])('PostgreSQL saying %s may think better of it later', (code) => {
  expect(isRetryableSqlState(code)).toBe(true);
});

test.each(['NT001', 'NT002', 'NT003', 'NT004', 'P0001', '23505', '23514', '42P01', '42501', '22001', ''])(
  'PostgreSQL saying %j will say so again',
  (code) => {
    expect(isRetryableSqlState(code)).toBe(false);
  },
);

test('HTTP answers that pass are tried again, others are not', () => {
  expect([408, 425, 429, 500, 502, 503, 504].every(isRetryableStatus)).toBe(true);
  expect([200, 301, 400, 401, 403, 404, 410, 422].some(isRetryableStatus)).toBe(false);
});

test.each<[string | undefined, number | undefined]>([
  ['5', 5_000],
  [' 0 ', 0],
  ['999999999', LONGEST_RETRY_AFTER_MS],
  ['Tue, 05 Mar 2024 00:00:30 GMT', 30_000],
  ['Mon, 04 Mar 2024 00:00:00 GMT', 0],
  ['Tue, 05 Mar 2999 00:00:00 GMT', LONGEST_RETRY_AFTER_MS],
  ['soon', undefined],
  ['', undefined],
  [undefined, undefined],
])('Retry-After: %s means %s ms', (header, ms) => {
  expect(retryAfterMs(header, now)).toBe(ms);
});
