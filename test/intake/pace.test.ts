import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Pace } from '../../intake/pace.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

test('a step tells its rate, and the time that is left by the bytes that are', () => {
  const pace = new Pace(new AbortController().signal);
  pace.bytesInAll = 1_000;
  const at = (bytes: number, rows: number) => {
    vi.advanceTimersByTime(10_000);
    Object.assign(pace, { bytes, rows });
    return pace.progress;
  };
  expect(at(250, 100)).toEqual({ rows: 100, bytes: 250, rowsPerSecond: 10, secondsLeft: 30 });
  expect(at(500, 240)).toEqual({ rows: 240, bytes: 500, rowsPerSecond: 12, secondsLeft: 20 });
  expect(at(1_000, 600)).toEqual({ rows: 600, bytes: 1_000, rowsPerSecond: 20, secondsLeft: 0 });
  expect(at(1_100, 640)).toMatchObject({ secondsLeft: 0 }); // more than was announced
});

test('nobody is told how long it will take before anything was read, or where nobody knows how much there is', () => {
  const pace = new Pace(new AbortController().signal);
  vi.advanceTimersByTime(5_000);
  pace.rows = 10;
  pace.bytes = 100;
  expect(pace.progress).toEqual({ rows: 10, bytes: 100, rowsPerSecond: 2 });
  pace.bytesInAll = 1_000;
  pace.bytes = 0;
  expect(pace.progress).not.toHaveProperty('secondsLeft');
});
