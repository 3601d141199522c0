import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  bigint,
  boolean,
  clockTime,
  date,
  decimal,
  double,
  integer,
  oneOf,
  Rejection,
  text,
  timestamp,
  type Column,
} from '../../rules/columns.ts';
import { cpuMs } from '../support/intake.ts';

const digits = (max: number) =>
  fc.string({ unit: fc.integer({ min: 0, max: 9 }).map(String), maxLength: max });
const sign = fc.constantFrom('', '', '-', '+');
const twoDigits = fc.integer({ min: 0, max: 61 }).map((number) => String(number).padStart(2, '0'));
const calendar = fc
  .tuple(
    fc.oneof(fc.integer({ min: 0, max: 9999 }), fc.constantFrom(1, 9999, 1900, 2000)),
    twoDigits,
    twoDigits,
  )
  .map(([year, month, day]) => `${String(year).padStart(4, '0')}-${month}-${day}`);
const number = fc
  .tuple(
    sign,
    digits(25),
    fc.constantFrom('', '.'),
    digits(25),
    fc.constantFrom('', '', '', 'e5', 'E-7', 'e+300', 'e-320'),
  )
  .map((pieces) => pieces.join(''));
const instant = fc
  .tuple(
    fc.oneof(calendar, fc.constantFrom('0001-01-01', '9999-12-31', '2013-02-28')),
    fc.constantFrom('T', ' ', 't'),
    fc.tuple(fc.integer({ min: 0, max: 24 }), twoDigits, fc.constantFrom('', ':00', ':59', ':60')),
    fc.constantFrom('', '.1', '.120000', '.000001', '.1234567'),
    fc.constantFrom('Z', 'z', '', '+00:00', '-05:00', '+0530', '+14', '-15:59', '+16:00', '+10:00'),
  )
  .map(([day, t, [hour, minute, second], fraction, zone]) =>
    [day, t, String(hour).padStart(2, '0'), ':', minute, second, fraction, zone].join(''),
  );
const anything = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    ' ',
    '\\N',
    '\\.',
    'NaN',
    'Infinity',
    'null',
    'constructor',
    '__proto__',
    '1\n',
    '\0',
    '٣',
    '0x10',
  ),
);

const kinds: [string, Column, fc.Arbitrary<string>][] = [
  ['text', text({ max: 20 }), anything],
  [
    'text like a code',
    text({ like: /[A-Z]{2}_\d{3}|é+/g }),
    fc.constantFrom('AG_001', 'é', 'AG_0012', 'AG_001\n'),
  ],
  ['one of', oneOf('a', 'b\\', 'c\n'), fc.constantFrom('a', 'b\\', 'c\n', 'd')],
  ['integer', integer(), number],
  ['bigint', bigint(), number],
  ['decimal(12,2)', decimal({ precision: 12, scale: 2 }), number],
  ['decimal(38,20)', decimal({ precision: 38, scale: 20 }), number],
  ['decimal(5,0)', decimal({ precision: 5, scale: 0 }), number],
  ['double', double(), fc.oneof(number, fc.double().map(String))],
  ['boolean', boolean(), fc.mixedCase(fc.constantFrom('true', 'false', 't', 'f', '1', '0', 'yes', 'on'))],
  ['date', date(), calendar],
  ['timestamp', timestamp(), instant],
  ['clock time', clockTime(), fc.integer({ min: 0, max: 2_500 }).map(String)],
];

/** A few well-formed ones, so that no property holds for want of cases. */
const accepted: [Column, string, string][] = [
  [text({ like: /AG_\d{3}/g }), 'AG_001', 'AG_001'],
  [integer(), '-0', '0'],
  [integer(), '+0007', '7'],
  [bigint(), '-9223372036854775808', '-9223372036854775808'],
  [decimal({ precision: 12, scale: 2 }), '-.5', '-0.50'],
  [decimal({ precision: 12, scale: 2 }), '0012.340', '12.34'],
  [decimal({ precision: 12, scale: 2 }), '-0.00', '0.00'],
  [double(), '1e15', '1e+15'],
  [double(), '0.00001', '1e-05'],
  [double(), '123456789012345', '123456789012345'],
  [boolean(), 'TRUE', 't'],
  [timestamp(), '2013-02-01T23:30:00.120-05:00', '2013-02-02 04:30:00.12+00'],
  [timestamp(), '2013-02-01 23:30+0530', '2013-02-01 18:00:00+00'],
  [clockTime(), '2400', '2400'],
  [date(), '2012-02-29', '2012-02-29'],
];

const refused: [Column, string, string][] = [
  [integer(), '2147483648', 'out-of-range'],
  [integer(), '1.0', 'not-an-integer'],
  [bigint(), '9223372036854775808', 'out-of-range'],
  [decimal({ precision: 12, scale: 2 }), '1.001', 'too-precise'],
  [decimal({ precision: 12, scale: 2 }), '12345678901', 'out-of-range'],
  [decimal({ precision: 12, scale: 2 }), '.', 'not-a-decimal'],
  [double(), '1e999', 'out-of-range'],
  [double(), 'NaN', 'not-a-number'],
  [boolean(), 'constructor', 'not-a-boolean'],
  [text(), 'a\0b', 'nul-character'],
  [text(), 'caf\uFFFD', 'bad-encoding'],
  [text(), '\uD800', 'bad-encoding'],
  [text({ max: 2 }), '😀😀😀', 'too-long'],
  [text({ like: /A|B\d/ }), 'AB1', 'bad-form'],
  [text({ like: /A|B\d/ }), 'A\n', 'bad-form'],
  [oneOf('santé'), 'sante', 'unknown-code'],
  [oneOf('santé'), 'sant\uFFFD', 'bad-encoding'],
  [date(), '2013-02-30', 'not-a-date'],
  [timestamp(), '2013-02-01T10:00:00', 'not-a-timestamp'],
  [timestamp(), '0001-01-01T00:00:00+10:00', 'not-a-timestamp'],
  [timestamp(), '9999-12-31T23:00:00-05:00', 'not-a-timestamp'],
  [clockTime(), '1260', 'not-a-clock-time'],
];

/** `::text` spells booleans out; and of two shortest spellings of one double PostgreSQL may choose the other. */
function isSame({ type }: Column, value: string, printed: string): boolean {
  if (type === 'boolean') return printed === { t: 'true', f: 'false' }[value];
  if (type === 'double precision') return Number(printed) === Number(value);
  return printed === value;
}

describe('columns', () => {
  let client: pg.Client;
  beforeAll(async () => {
    client = new pg.Client({
      connectionString: inject('databaseUrl'),
      options: '-c DateStyle=ISO -c TimeZone=UTC',
    });
    await client.connect();
  });
  afterAll(() => client.end());

  test.each(kinds)(
    'what %s lets through, PostgreSQL takes and prints in the same words',
    async (_name, column, cells) => {
      const seen: string[] = [];
      fc.assert(
        fc.property(fc.oneof(cells, cells, anything), (cell) => {
          const value = column.parse(cell);
          if (!(value instanceof Rejection)) seen.push(value);
        }),
        { numRuns: 3_000 },
      );
      const { rows } = await client.query<{ value: string; printed: string }>(
        `select value, (value::${column.type})::text as printed from unnest($1::text[]) value`,
        [seen],
      );
      expect(seen.length).toBeGreaterThan(10);
      expect(rows.filter(({ value, printed }) => !isSame(column, value, printed))).toEqual([]);
    },
  );

  test.each(accepted.map(([column, cell, value]) => ({ type: column.type, column, cell, value })))(
    '$type reads $cell as $value',
    ({ column, cell, value }) => {
      expect(column.parse(cell)).toBe(value);
    },
  );

  test.each(refused.map(([column, cell, rule]) => ({ type: column.type, column, cell, rule })))(
    '$type refuses $cell as $rule',
    ({ column, cell, rule }) => {
      expect(column.parse(cell)).toMatchObject({ rule });
    },
  );

  test('a cell of a megabyte is judged in no time', () => {
    const started = cpuMs();
    for (const [, column] of kinds) {
      for (const cell of ['0', '9', '1.', '.1', 'a'].map((piece) => `${piece.repeat(500_000)}x`)) {
        expect(column.parse(cell)).toBeInstanceOf(Rejection);
      }
    }
    expect(cpuMs() - started).toBeLessThan(2_000);
  });
});
