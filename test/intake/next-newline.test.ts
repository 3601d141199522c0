import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextNewline } from '../../intake/next-newline.ts';

const LF = 0x0a;
const SIZE = 20;

/** Bytes that lie before and behind what is looked at, all of them LF: none of them may be found. */
const MARGIN = 3;

function viewOf(bytes: readonly number[]): DataView {
  const margin = Array<number>(MARGIN).fill(LF);
  return new DataView(Uint8Array.from([...margin, ...bytes, ...margin]).buffer, MARGIN, bytes.length);
}

test('no byte is taken for a line end, and none hides the line end that stands beside it', () => {
  for (let byte = 0; byte < 256; byte++) {
    if (byte === LF) continue;
    const bytes = Array<number>(SIZE).fill(byte);
    expect(nextNewline(viewOf(bytes), 0, SIZE), `byte ${byte}`).toBe(SIZE);
    for (let place = 0; place < SIZE; place++) {
      const view = viewOf(bytes.with(place, LF));
      for (let from = 0; from <= place; from++) {
        expect(nextNewline(view, from, SIZE), `byte ${byte}`).toBe(place);
      }
      expect(nextNewline(view, place + 1, SIZE), `byte ${byte}`).toBe(SIZE);
      expect(nextNewline(view, 0, place), `byte ${byte}`).toBe(place);
    }
  }
});

test('of several line ends the first is found, wherever each stands among the bytes', () => {
  for (let first = 0; first < SIZE; first++) {
    for (let second = first + 1; second < SIZE; second++) {
      const view = viewOf(Array<number>(SIZE).fill(0x0b).with(first, LF).with(second, LF));
      expect(nextNewline(view, 0, SIZE)).toBe(first);
      expect(nextNewline(view, first + 1, SIZE)).toBe(second);
    }
  }
});

/** Those next to LF by value or by one bit come often. */
const byte = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(LF, 0x0b, 0x09, 0x8a, 0x8b, 0x0d, 0x00, 0x01, 0x7f, 0x80, 0xff) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) },
);

test('whatever bytes come, the line end found is the one that is found byte by byte', () => {
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 60 }), fc.nat(60), fc.nat(60), (bytes, a, b) => {
      const [from, until] = [Math.min(a, b, bytes.length), Math.min(Math.max(a, b), bytes.length)];
      const place = bytes.slice(from, until).indexOf(LF);
      expect(nextNewline(viewOf(bytes), from, until)).toBe(place === -1 ? until : from + place);
    }),
    { numRuns: 5_000 },
  );
});
