import { describe, expect, test } from 'vitest';
import { judgeCommit } from '../../rules/in-doubt.ts';

describe('what to believe of a COMMIT (R7, R8)', () => {
  test.each([
    ['confirmed', 'alive', 'present', 'loaded'],
    ['confirmed', 'gone', 'present', 'loaded'],
    ['confirmed', 'alive', 'absent', 'lost'],
    ['confirmed', 'gone', 'absent', 'lost'],
    ['error', 'alive', 'present', 'loaded'],
    ['error', 'gone', 'present', 'loaded'],
    ['error', 'alive', 'absent', 'in doubt'],
    ['error', 'gone', 'absent', 'not loaded'],
    ['nothing', 'alive', 'present', 'loaded'],
    ['nothing', 'gone', 'present', 'loaded'],
    ['nothing', 'alive', 'absent', 'in doubt'],
    ['nothing', 'gone', 'absent', 'not loaded'],
  ] as const)('answer %s, backend %s, batch %s: %s', (answer, backend, batch, verdict) => {
    expect(judgeCommit({ answer, backend, batch })).toBe(verdict);
  });
});
