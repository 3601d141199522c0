import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  acknowledgementOf,
  isNewer,
  nextLookMs,
  reachOf,
  turnsFrom,
  type EscalationPlan,
} from '../../rules/escalation.ts';
import { LONGEST_LEVEL_MINUTES, MOST_LEVELS, MOST_ROUNDS } from '../../rules/on-call.ts';

const plan = (levels: number, rounds: number, from = { round: 1, level: 1 }): EscalationPlan => ({
  firing: 1,
  timeoutsMs: Array.from({ length: levels }, () => 1_000),
  rounds,
  from,
  about: {
    code: 1001,
    rule: 'empty-source',
    severity: 'error',
    dataset: null,
    businessDate: null,
    sentence: 'nothing came',
    runbook: 'empty-source',
  },
});

describe('the order in which levels are asked', () => {
  test('is level by level, then all of them again', () => {
    expect(turnsFrom(plan(2, 2))).toEqual([
      { round: 1, level: 1 },
      { round: 1, level: 2 },
      { round: 2, level: 1 },
      { round: 2, level: 2 },
    ]);
  });

  test('goes on where it was when its workflow was lost', () => {
    expect(turnsFrom(plan(2, 2, { round: 1, level: 2 }))).toEqual([
      { round: 1, level: 2 },
      { round: 2, level: 1 },
      { round: 2, level: 2 },
    ]);
  });

  test('ends', () => {
    expect(turnsFrom(plan(MOST_LEVELS, MOST_ROUNDS))).toHaveLength(MOST_LEVELS * MOST_ROUNDS);
  });
});

describe('whom a level has reached', () => {
  test('somebody, once a single page is delivered', () => {
    expect(reachOf(['failed', 'sent', 'delivered', 'undelivered'])).toBe('somebody');
  });

  test('perhaps somebody, while one is on its way', () => {
    expect(reachOf(['failed', 'sent'])).toBe('perhaps');
    expect(reachOf(['undelivered', 'queued'])).toBe('perhaps');
  });

  test('nobody, where all have failed, or there was none to send', () => {
    expect(reachOf(['failed', 'undelivered'])).toBe('nobody');
    expect(reachOf([])).toBe('nobody');
  });
});

describe('news of a page', () => {
  test('that is final stays, whatever comes late', () => {
    for (const final of ['delivered', 'undelivered', 'failed'] as const)
      for (const state of ['queued', 'sent', 'delivered', 'undelivered', 'failed'] as const)
        expect(isNewer(final, state)).toBe(false);
  });

  test('goes forward only', () => {
    expect(isNewer('queued', 'sent')).toBe(true);
    expect(isNewer('sent', 'delivered')).toBe(true);
    expect(isNewer('sent', 'sent')).toBe(false);
    expect(isNewer('sent', 'queued')).toBe(false);
  });

  test('is asked for at most forty times in the longest level, and at first every ten seconds', () => {
    expect(nextLookMs(0)).toBe(10_000);
    let looks = 0;
    for (let elapsed = 0; elapsed < LONGEST_LEVEL_MINUTES * 60_000; elapsed += nextLookMs(elapsed))
      looks += 1;
    expect(looks).toBeLessThan(40);
  });
});

describe('an acknowledgement by signal', () => {
  test('says who, how and why', () => {
    expect(acknowledgementOf({ by: ' Ana ', via: 'tctl', note: 'on it' })).toEqual({
      by: 'Ana',
      via: 'tctl',
      note: 'on it',
    });
  });

  test('counts whatever was typed: the telephone must not ring on for a typing error', () => {
    fc.assert(
      fc.property(fc.anything(), (payload) => {
        const { by, via, note } = acknowledgementOf(payload);
        expect(by).not.toBe('');
        expect(via).not.toBe('');
        expect(by.length + via.length + note.length).toBeLessThanOrEqual(700);
        expect(by + via + note).not.toContain('\0');
      }),
    );
    expect(acknowledgementOf(undefined)).toEqual({ by: 'unknown', via: 'signal', note: '' });
    expect(acknowledgementOf({ by: '\0 ' })).toMatchObject({ by: 'unknown' });
  });
});
