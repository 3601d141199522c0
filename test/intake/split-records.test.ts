import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isLines, spansOf, type Fault } from '../../intake/csv-records.ts';
import { splitRecords } from '../../intake/split-records.ts';

const RECORD_BYTES = 20;
/** With CRLF. */
const BOUND = RECORD_BYTES + 2;
const HEADER = 'a,b\n';

interface Line {
  readonly line: number;
  /** Of a line that is too long, as much as a record may have. */
  readonly text: string;
  readonly fault: Fault | undefined;
}

/** What the splitter finds below the header, and whether what it says of stretches of lines is so. */
async function split(content: Buffer, chunk: number): Promise<readonly Line[]> {
  const file = Buffer.concat([Buffer.from(HEADER), content]);
  const chunks = (async function* () {
    for (let at = 0; at < file.length; at += chunk) yield file.subarray(at, at + chunk);
  })();
  const found: Line[] = [];
  for await (const { bytes, runs } of splitRecords(chunks, { delimiter: ',', recordBytes: RECORD_BYTES })) {
    for (const run of runs.filter(isLines)) {
      expect(bytes[run.next - 1], 'the last byte of whole lines').toBe(0x0a);
      const spans = [...spansOf({ bytes, runs: [run] })];
      const blank = spans.filter(({ start, end }) => start === end).length;
      expect({ lines: run.lines, blank: run.blank }).toEqual({ lines: spans.length, blank });
    }
    for (const { line, start, end, fault } of spansOf({ bytes, runs })) {
      found.push({ line, text: bytes.toString('latin1', start, end), fault });
    }
  }
  return found.slice(1);
}

/** The same, by the plainest means; every line ends. */
function linesOf(content: Buffer): Line[] {
  return content
    .toString('latin1')
    .split('\n')
    .slice(0, -1)
    .map((text, index) => {
      const line = index + 2;
      return text.length + 1 > BOUND
        ? { line, text: text.slice(0, BOUND), fault: 'record-too-long' }
        : { line, text: text.replace(/\r$/, ''), fault: undefined };
    });
}

const CHUNKS = [1, 2, 3, 4, 5, 7, 8, 9, 16, 65_536];

describe('lines without a quote', () => {
  test.each([
    [
      'that end at each place among eight bytes',
      ['1', '12', '123', '1234', '12345', '123456', '1234567', '12345678', '123456789'],
    ],
    ['that are blank, one after the other', ['', '', '', 'x', '', '', '\r', '\r', '', 'y', '\r']],
    ['with CRLF', ['1\r', '12\r', '123\r', '1234\r', '12345678\r']],
    ['with a CR that ends none', ['\r\r', 'a\rb', '\r\rx', 'x\r\r']],
    [
      'that end after bytes beyond ASCII',
      ['\x80', '\xFF\x8A', '\x8A\x8A\x8A', '\x8B\x0B', '\x0B\x0B\x0B\x0B\x0B', '\0\0'],
    ],
    ['as long as a record may be', ['x'.repeat(BOUND - 1), `${'x'.repeat(RECORD_BYTES)}\r`, 'y']],
    [
      'one longer than a record may be',
      ['1', 'x'.repeat(BOUND), 'y', `${'x'.repeat(RECORD_BYTES + 1)}\r`, 'z'],
    ],
  ])('%s are counted, and numbered, in any chunks', async (_which, lines) => {
    const content = Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1');
    for (const chunk of CHUNKS) expect(await split(content, chunk)).toEqual(linesOf(content));
  });

  test('are what they are when they are looked for byte by byte, whatever stands in them', async () => {
    const byte = fc.oneof(
      fc.constantFrom(...Buffer.from('a,\r\v\t\0')),
      fc.constantFrom(0x80, 0x8a, 0x8b, 0xff),
      fc.integer({ min: 0, max: 255 }),
    );
    const line = fc
      .oneof(
        { weight: 1, arbitrary: fc.constant([]) },
        { weight: 3, arbitrary: fc.array(byte, { maxLength: 12 }) },
        { weight: 1, arbitrary: fc.array(byte, { minLength: BOUND - 3, maxLength: BOUND + 3 }) },
      )
      .map((bytes) => bytes.filter((each) => each !== 0x22 && each !== 0x0a));
    const ended = fc.tuple(line, fc.constantFrom([0x0a], [0x0d, 0x0a])).map((parts) => parts.flat());
    await fc.assert(
      fc.asyncProperty(
        fc.array(ended, { maxLength: 30 }),
        fc.integer({ min: 1, max: 300 }),
        async (of, chunk) => {
          const content = Buffer.from(of.flat());
          expect(await split(content, chunk)).toEqual(linesOf(content));
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
