import { describe, expect, test } from 'vitest';
import { endOfPause, pauseEnd, pauseNote } from '../../rules/pause.ts';

const NOW = '2026-11-21T12:00:00.000Z';

describe('the end of a pause', () => {
  test.each([
    ['2026-11-22T05:00Z', 'Europe/Paris', '2026-11-22T05:00:00.000Z'],
    ['2026-11-22T05:00:30+02:00', 'UTC', '2026-11-22T03:00:30.000Z'],
    ['2026-11-22T05:00+0530', 'UTC', '2026-11-21T23:30:00.000Z'],
    ['2026-11-22T05:00', 'Europe/Paris', '2026-11-22T04:00:00.000Z'],
    ['2026-11-22 05:00', 'UTC', '2026-11-22T05:00:00.000Z'],
    ['2026-11-22 05:00:10', 'Asia/Kolkata', '2026-11-21T23:30:10.000Z'],
  ])('%s in %s is %s', (typed, zone, end) => {
    expect(pauseEnd(typed, zone, NOW)).toBe(end);
  });

  test.each([
    ['tomorrow', 'UTC', /is no time/],
    ['2026-11-31T05:00', 'UTC', /is no time/],
    ['2026-11-22T25:00', 'UTC', /is no time/],
    ['2026-11-22', 'UTC', /is no time/],
    ['', 'UTC', /is no time/],
    ['2026-11-21T11:59Z', 'UTC', /is past already/],
    ['2026-11-21T12:30', 'Europe/Paris', /is past already/],
    ['2027-03-28T02:30', 'Europe/Paris', /never shows 02:30/],
    ['2027-10-31T02:30', 'Europe/Paris', /shows twice 02:30/],
  ])('%s in %s is refused', (typed, zone, says) => {
    expect(() => pauseEnd(typed, zone, NOW)).toThrow(says);
  });

  test('is read back from the note, and from no other note', () => {
    const end = '2026-11-22T05:00:00.000Z';
    expect(endOfPause(pauseNote('the carrier moves (ana@host)', end))).toBe(end);
    expect(endOfPause(pauseNote('the carrier moves (ana@host)', undefined))).toBeUndefined();
    expect(endOfPause(pauseNote(`it says until ${end} (ana@host)`, undefined))).toBeUndefined();
    expect(endOfPause(undefined)).toBeUndefined();
  });
});
