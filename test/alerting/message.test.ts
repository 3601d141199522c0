import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { segmentsOf, toGsm7 } from '../../alerting/channels/gsm7.ts';
import { smsText } from '../../alerting/channels/message.ts';
import { pageOf } from '../support/pages.ts';

const LONG = 'a table that nobody had thought of was changed by somebody who told nobody '.repeat(6).trim();

describe('the words of a page', () => {
  test('they say how bad, which night, the number that matters, the runbook, and how to acknowledge', () => {
    const page = pageOf({
      sentence: 'flights of 2013-02-08 is refused: 475 of 930 rows are rejected (51.1 %)',
      facts: { number: '475 of 930 rows are rejected (51.1 %)' },
    });
    expect(smsText(page, { canReply: true })).toBe(
      'ERROR flights of 2013-02-08 is refused: 475 of 930 rows are rejected (51.1 %). ' +
        'Runbook reject-limit-exceeded. Reply ACK 4821',
    );
  });

  test('night and number come first where the sentence does not have them', () => {
    const page = pageOf({
      sentence: 'The night was refused',
      facts: { number: '31.0 % of 100 rows rejected' },
    });
    expect(smsText(page, { canReply: true })).toMatch(
      /^ERROR flights of 2013-02-08: 31\.0 % of 100 rows rejected\. The night was refused\. /,
    );
  });

  test('a number that the sentence has in other words is said once', () => {
    const page = pageOf({
      sentence: 'flights of 2013-02-08 is refused: 475 of 930 rows are rejected (51.1 %)',
      facts: { number: '51.1 % of 930 rows rejected, limit 30 %' },
    });
    expect(smsText(page, { canReply: true })).toMatch(/^ERROR flights of 2013-02-08 is refused: 475 of 930 /);
    const day = pageOf({ sentence: 'flights of 2013-02-08 is late', facts: { number: '8 hours' } });
    expect(smsText(day, { canReply: true })).toMatch(/^ERROR 8 hours\. flights of 2013-02-08 is late\. /);
  });

  test('an alert about no night names none', () => {
    const page = pageOf({
      dataset: null,
      businessDate: null,
      sentence: 'The disk is full',
      rule: 'disk-full',
    });
    expect(smsText(page, { canReply: true })).toMatch(/^ERROR The disk is full\. /);
  });

  test('a sender that receives no replies names the command, and the link where there is one', () => {
    const ackLink = 'https://ops.example.com/nt/ack/Zm9vYmFyYmF6cXV4MTIzNA';
    const text = smsText(pageOf({ ackLink }), { canReply: false });
    expect(text).toContain('npx nighttrain alert ack 4821');
    expect(text).toContain(ackLink);
    expect(text).not.toContain('Reply');
  });

  test('a long sentence is cut; number, runbook and code stay', () => {
    const text = smsText(pageOf({ sentence: LONG, facts: { number: '12 rows' } }), { canReply: false });
    expect(segmentsOf(text)).toBe(2);
    expect(text).toContain('12 rows. a table');
    expect(text).toMatch(
      /\.\.\. Runbook reject-limit-exceeded\. To acknowledge: npx nighttrain alert ack 4821$/,
    );
  });

  test('a sentence that GSM-7 has no letters for keeps them, in two segments of 67', () => {
    const text = smsText(pageOf({ sentence: `Рейсы задержаны: ${LONG}` }), { canReply: false });
    expect(text).toContain('Рейсы задержаны');
    expect(text).toMatch(/npx nighttrain alert ack 4821$/);
    expect(segmentsOf(text)).toBe(2);
  });

  test('line breaks and control characters of a sentence are blanks', () => {
    expect(smsText(pageOf({ sentence: 'one\r\n\ttwo\u0000three' }), { canReply: true })).toContain(
      'one two three',
    );
  });
});

describe('GSM-7', () => {
  test.each([
    ['“Fahrpläne” – 3 × zu spät… l’été', `"Fahrpläne" - 3 x zu spät... l'été`],
    ['Ærø, Łódź, Œuvre, garçon, naïve', 'Ærø, Lodz, OEuvre, garcon, naive'],
    ['e\u0301 is é', 'é is é'],
    ['a\u00a0b\u2009c\u200bd', 'a b cd'],
  ])('%s is sent as %s', (text, sent) => {
    expect(toGsm7(text)).toBe(sent);
  });

  test.each(['Ж', '漢字', '🚂', 'ő🙂'])('%s cannot be said in it', (text) => {
    expect(toGsm7(text)).toBeUndefined();
  });

  test.each([
    ['a'.repeat(160), 1],
    ['a'.repeat(161), 2],
    ['a'.repeat(306), 2],
    ['a'.repeat(307), 3],
    ['€'.repeat(80), 1],
    ['€'.repeat(81), 2],
    // 76 in each: the 153rd place stays empty rather than hold half a character
    ['€'.repeat(152), 2],
    ['€'.repeat(153), 3],
    ['Ж'.repeat(70), 1],
    ['Ж'.repeat(71), 2],
    ['Ж'.repeat(134), 2],
    ['Ж'.repeat(135), 3],
    ['🚂'.repeat(35), 1],
    ['🚂'.repeat(66), 2],
    ['🚂'.repeat(67), 3],
    ['', 1],
  ])('%#: the text takes its segments as the networks count them', (text, segments) => {
    expect(segmentsOf(text)).toBe(segments);
  });
});

test('whatever an alert says, its SMS takes two segments at most and tells how to acknowledge', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 700 }),
    fc.string({ unit: 'grapheme', maxLength: 700 }),
    fc.string({ unit: fc.constantFrom(...Array.from('€[]{}|~^\\abcé \n')), maxLength: 700 }),
    fc.string({ unit: fc.constantFrom(...Array.from('🚂Ж“a')), maxLength: 700 }),
  );
  const anyPage = fc.record({
    sentence: anyText,
    figure: fc.option(anyText, { nil: undefined }),
    code: fc.integer({ min: 1001, max: 999_999_999 }),
    dataset: fc.option(fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/), { nil: null }),
    runbook: fc.stringMatching(/^[a-z][a-z0-9-]{0,60}$/),
    severity: fc.constantFrom('warn', 'error', 'critical'),
    hasLink: fc.boolean(),
    canReply: fc.boolean(),
  });
  fc.assert(
    fc.property(anyPage, ({ figure, hasLink, canReply, ...fields }) => {
      const ackLink = hasLink ? `https://ops.example.com/${'a'.repeat(60)}` : undefined;
      const text = smsText(pageOf({ ...fields, ackLink, facts: { number: figure } }), { canReply });
      expect(segmentsOf(text)).toBeLessThanOrEqual(2);
      expect(text.isWellFormed()).toBe(true);
      expect(text).not.toMatch(/[\p{Cc}]/u);
      const wanted = canReply ? `Reply ACK ${fields.code}` : `npx nighttrain alert ack ${fields.code}`;
      expect(text).toMatch(new RegExp(`${wanted}( or https:\\S+)?$`));
      expect(text).toContain(fields.dataset ?? '');
    }),
    { numRuns: 2_000 },
  );
});
