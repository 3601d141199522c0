import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readAll, textDataset } from '../support/csv.ts';

/** Bytes of a line; delimiters and what readers stumble over come often. */
const line = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...Buffer.from(';,ab 0\t\\\r\0é\u2028')) },
      { weight: 1, arbitrary: fc.constantFrom(0xff, 0xc3, 0xe2, 0x80, 0xf0, 0xed, 0xef, 0xbb, 0xbf) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) },
    ),
    { maxLength: 40 },
  )
  .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0x22 && byte !== 0x0a)));
const end = fc.constantFrom(Buffer.from('\n'), Buffer.from('\r\n'));
const lines = fc.array(fc.tuple(line, end).map(Buffer.concat.bind(Buffer)), { minLength: 1, maxLength: 20 });

test.each([
  [['a', 'b', 'c'], ','],
  [['a', 'b'], ';'],
  [['a'], ','],
] as const)(
  'lines without a quote have the fields that csv-parse finds in them: %j, %s',
  async (columns, delimiter) => {
    const dataset = textDataset(columns, { delimiter });
    await fc.assert(
      fc.asyncProperty(lines, fc.integer({ min: 1, max: 100 }), async (of, chunk) => {
        const content = Buffer.concat(of);
        const expected: string[][] = parse(content, {
          delimiter,
          record_delimiter: ['\r\n', '\n'],
          relax_column_count: true,
          skip_empty_lines: columns.length > 1,
        });
        const header = Buffer.from(`${columns.join(delimiter)}\n`);
        const { rows, broken } = await readAll(dataset, Buffer.concat([header, content]), { chunk });
        const sound = expected.filter((fields) => fields.length === columns.length);
        expect(rows).toEqual(sound.map((fields) => fields.map((field) => (field === '' ? null : field))));
        expect(broken).toHaveLength(expected.length - sound.length);
      }),
      { numRuns: 400 },
    );
  },
);
