import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rawOf } from '../../intake/csv-fields.ts';
import { RejectLines } from '../../intake/reject-lines.ts';

const RECORD_BYTES = 8;
const REASON = { column: 'produit', rule: 'unknown-code', reason: 'is none of auto, santé' };

/** Bytes as they come in broken files: text of all kinds, what JSON escapes, and what no text has. */
const anyBytes = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'santé',
        'AG_1,',
        '€',
        '\u2028',
        '\u2029',
        '"',
        '\\',
        '\t',
        '\0',
        '\u007f',
        '\uFFFD',
        '👩',
      ),
      fc.string({ maxLength: 4 }),
      fc.uint8Array({ maxLength: 3 }),
    ),
    { maxLength: 9 },
  )
  .map((pieces) => Buffer.concat(pieces.map((piece) => Buffer.from(piece as string))));

describe('rejected records as lines', () => {
  test('are the same bytes, whether their text was read before or not', () => {
    fc.assert(
      fc.property(fc.array(anyBytes, { minLength: 1, maxLength: 5 }), (texts) => {
        const [byText, byBytes] = [new RejectLines(3, RECORD_BYTES), new RejectLines(3, RECORD_BYTES)];
        const bytes = Buffer.concat(texts);
        let start = 0;
        for (const [index, { length }] of texts.entries()) {
          const span = { start, end: start + length };
          const place = { record: index + 1, line: index + 2 };
          byText.add(place, REASON, rawOf(bytes, span, RECORD_BYTES));
          byBytes.addBytes(place, REASON, bytes, span.start, span.end);
          start = span.end;
        }
        expect(byBytes.written().toString('latin1')).toBe(byText.written().toString('latin1'));
        for (const line of byBytes.written().toString().split('\n').slice(0, -1)) {
          expect(line).not.toMatch(/[\u2028\u2029]/);
          expect(JSON.parse(line)).toMatchObject({ part: 3, ...REASON });
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('are in the order of their records, in whatever order they were found', () => {
    const lines = new RejectLines(1, RECORD_BYTES);
    const add = (record: number) =>
      lines.addBytes({ record, line: record + 1 }, REASON, Buffer.from('a record'), 0, 8);
    const records = () =>
      lines
        .written()
        .toString()
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { record: number }).record);
    for (const record of [2, 9, 400_000]) add(record);
    const before = lines.written();
    const asItWas = Buffer.from(before);
    for (const record of [10, 1, 3]) add(record);
    expect(records()).toEqual([1, 2, 3, 9, 10, 400_000]);
    expect(before).toEqual(asItWas);
  });
});
