import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { COPY_BEGIN, COPY_END, CopyRows } from '../../intake/copy-rows.ts';
import { RowEncoder } from '../../intake/row-encoder.ts';
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

let client: pg.Client;
beforeAll(async () => {
  client = new pg.Client({ connectionString: inject('databaseUrl') });
  await client.connect();
});
afterAll(() => client.end());

const digits = (max: number) =>
  fc.string({ unit: fc.integer({ min: 0, max: 9 }).map(String), maxLength: max });
const sign = fc.constantFrom('', '', '-');
const two = (min: number, max: number) =>
  fc.integer({ min, max }).map((number) => String(number).padStart(2, '0'));
const calendar = fc
  .tuple(
    fc.oneof(fc.integer({ min: 1, max: 9999 }), fc.constantFrom(1, 9999, 1900, 1999, 2000)),
    two(1, 12),
    two(1, 31),
  )
  .map(([year, month, day]) => `${String(year).padStart(4, '0')}-${month}-${day}`);
const number = fc.oneof(
  fc
    .tuple(sign, digits(24), digits(12))
    .map(([minus, whole, rest]) => `${minus}${whole || '0'}.${rest || '0'}`),
  fc
    .tuple(
      sign,
      fc.constantFrom('0', '1', '9999', '10000', '100000000'),
      fc.constantFrom('0', '0001', '00000001', '00010'),
    )
    .map(([minus, whole, rest]) => `${minus}${whole}.${rest}`),
);
const whole = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.integer().map(String),
  fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }).map(String),
  fc.constantFrom(
    '-9223372036854775808',
    '9223372036854775807',
    '-4294967296',
    '4294967295',
    '999999999999999999',
  ),
);
const instant = fc
  .tuple(
    calendar,
    two(0, 23),
    two(0, 59),
    two(0, 59),
    fc.constantFrom('', '.5', '.000001', '.999999'),
    fc.constantFrom('Z', '+05:30', '-11:00'),
  )
  .map(
    ([day, hours, minutes, seconds, fraction, zone]) =>
      `${day}T${hours}:${minutes}:${seconds}${fraction}${zone}`,
  );

/** Each type with texts that it is sent. */
const TYPES: readonly (readonly [string, Column, fc.Arbitrary<string>])[] = [
  ['text', text(), fc.string({ unit: 'grapheme', maxLength: 60 })],
  ['oneOf', oneOf('santé', 'auto', ''), fc.constantFrom('santé', 'auto', '')],
  ['integer', integer(), whole],
  ['bigint', bigint(), whole],
  ['clockTime', clockTime(), fc.integer({ min: 1, max: 2400 }).map(String)],
  ['decimal(12,2)', decimal({ precision: 12, scale: 2 }), number],
  ['decimal(20,10)', decimal({ precision: 20, scale: 10 }), number],
  ['decimal(5,5)', decimal({ precision: 5, scale: 5 }), number],
  ['decimal(9,0)', decimal({ precision: 9, scale: 0 }), number],
  ['double', double(), fc.oneof(number, fc.double({ noNaN: true, noDefaultInfinity: true }).map(String))],
  ['boolean', boolean(), fc.constantFrom('true', 'f', '1', '0')],
  ['date', date(), calendar],
  ['timestamp', timestamp(), instant],
];

/** Types that PostgreSQL prints in other words; of a double, now and then a digit more than the shortest. */
const IN_OTHER_WORDS = new Set(['boolean', 'double precision']);

test.each(TYPES)(
  'what %s prints, PostgreSQL has in COPY binary as if it had read the text',
  async (_name, column, texts) => {
    await client.query(
      `drop table if exists sent; create temporary table sent (n serial, printed text, v ${column.type})`,
    );
    const encoder = new RowEncoder({ columns: { printed: text(), v: column } });
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(texts), { minLength: 20, maxLength: 100 }), async (cells) => {
        await client.query('truncate sent');
        const out = new CopyRows(8);
        for (const cell of cells) {
          const value = cell === null ? null : column.parse(cell);
          if (!(value instanceof Rejection)) encoder.append([value, value], out);
        }
        const copy = client.query(copyFrom('copy sent (printed, v) from stdin (format binary)'));
        await pipeline(Readable.from([COPY_BEGIN, out.written(), COPY_END]), copy);
        sent += copy.rowCount;
        const { rows } = await client.query(
          `select printed, v::text, printed::${column.type}::text as read from sent
         where v is distinct from printed::${column.type} or v::text is distinct from ${IN_OTHER_WORDS.has(column.type) ? 'v::text' : 'printed'}`,
        );
        expect(rows).toEqual([]);
      }),
      { numRuns: 30 },
    );
    expect(sent).toBeGreaterThan(200);
  },
);
