import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeText } from '../../intake/copy-fields.ts';
import { CopyRows } from '../../intake/copy-rows.ts';
import { readBlocks } from '../../intake/csv.ts';
import { CsvSorter, type OpenLane } from '../../intake/csv-sorter.ts';
import { openFastLane } from '../../intake/fast-lane.ts';
import { remembering } from '../../intake/known-values.ts';
import type { Sorted } from '../../intake/judge.ts';
import { RowEncoder } from '../../intake/row-encoder.ts';
import { StagedFinder } from '../../intake/staged-finder.ts';
import { SourceBroken } from '../../rules/errors.ts';
import { defineDataset, type Dataset, type Declaration } from '../../rules/dataset.ts';
import {
  bigint,
  boolean,
  clockTime,
  date,
  decimal,
  double,
  integer,
  oneOf,
  text,
  timestamp,
} from '../../rules/kit.ts';
import { csv, type CsvSource } from '../../rules/source.ts';
import { fieldsOf } from '../support/copy.ts';
import { dayOf } from '../support/intake.ts';

const BUSINESS_DATE = dayOf('2024-03-15');

/** What a file comes to: rows field by field, rejects line by line, counts. */
interface Outcome {
  readonly rows: readonly (readonly (string | null)[])[];
  readonly rejects: readonly string[];
  readonly counts: readonly number[];
  readonly byRule: Readonly<Record<string, number>>;
  readonly refusal: string | undefined;
}

/** Records that the fast lane has taken, and those whose broken rule it was certain of. */
let taken = 0;
let turnedAway = 0;
/** Of those that it has taken, records with quotes. */
let takenOfQuotes = 0;
const counted: OpenLane = (...of) => {
  const lane = openFastLane(...of);
  return (
    lane && {
      take: (...line) => {
        const isTaken = lane.take(...line);
        if (isTaken) taken++;
        if (isTaken && line[3]) takenOfQuotes++;
        return isTaken;
      },
      brokenRule: (...line) => {
        const reason = lane.brokenRule(...line);
        if (reason) turnedAway++;
        return reason;
      },
      get newline() {
        return lane.newline;
      },
      get end() {
        return lane.end;
      },
    }
  );
};
const closed: OpenLane = () => undefined;

/** @param lane false for the way of all records alone */
async function outcomeOf(
  dataset: Dataset,
  content: Buffer,
  { lane, chunk = 65_536 }: { lane: boolean; chunk?: number },
): Promise<Outcome> {
  const source = dataset.source as CsvSource;
  const chunks = (async function* () {
    for (let at = 0; at < content.length; at += chunk) yield Buffer.from(content.subarray(at, at + chunk));
  })();
  const file = { key: 'part-00001.csv', bytes: content.length, sha256: '' };
  const part = { dataset, source, businessDate: BUSINESS_DATE, part: 1, file: file.key };
  const found: Sorted[] = [];
  let refusal: string | undefined;
  let sorter: CsvSorter | undefined;
  try {
    for await (const block of readBlocks(dataset, source, file, chunks, () => undefined)) {
      sorter ??= new CsvSorter(part, block.header, lane ? counted : closed);
      found.push(sorter.sort(block));
    }
  } catch (cause) {
    if (!(cause instanceof SourceBroken)) throw cause;
    refusal = `${cause.message}: ${cause.detail}`;
  }
  if (refusal !== undefined) return { rows: [], rejects: [], counts: [], byRule: {}, refusal };
  const sum = (count: (sorted: Sorted) => number) =>
    found.reduce((total, sorted) => total + count(sorted), 0);
  const byRule: Record<string, number> = {};
  for (const { rejectedByRule } of found) {
    for (const [rule, rows] of Object.entries(rejectedByRule)) byRule[rule] = (byRule[rule] ?? 0) + rows;
  }
  return {
    rows: fieldsOf(Buffer.concat(found.map(({ rows }) => rows))),
    rejects: found.flatMap(({ rejects }) => Buffer.from(rejects).toString().split('\n').filter(Boolean)),
    counts: [
      sum((one) => one.count.read),
      sum((one) => one.count.staged),
      sum((one) => one.count.rejected),
      sum((one) => one.count.discarded),
    ],
    byRule,
    refusal,
  };
}

/** Rows as they are found again in the file, each by its record. */
async function foundAgain(dataset: Dataset, content: Buffer): Promise<Outcome['rows']> {
  const source = dataset.source as CsvSource;
  const file = { key: 'part-00001.csv', bytes: content.length, sha256: '' };
  const part = { dataset, source, businessDate: BUSINESS_DATE, part: 1, file: file.key };
  const [encoder, rows] = [new RowEncoder(dataset), new CopyRows(100)];
  const chunks = Readable.from([Buffer.from(content)]) as AsyncIterable<Buffer>;
  for await (const block of readBlocks(dataset, source, file, chunks, () => undefined)) {
    const finder = new StagedFinder(part, block.header);
    for (const { values } of finder.read(block, finder.stagedPlaces(block))) encoder.append(values, rows);
  }
  return fieldsOf(rows.written());
}

/** However the file comes in chunks. */
async function expectTheSame(dataset: Dataset, content: Buffer, chunk: number): Promise<Outcome> {
  const slow = await outcomeOf(dataset, content, { lane: false });
  expect(await outcomeOf(dataset, content, { lane: true })).toEqual(slow);
  expect(await outcomeOf(dataset, content, { lane: true, chunk })).toEqual(slow);
  expect(slow.refusal === undefined ? await foundAgain(dataset, content) : []).toEqual(slow.rows);
  return slow;
}

const everything = (more: Partial<Declaration<string>> = {}, source: Parameters<typeof csv>[0] = {}) =>
  defineDataset({
    name: 'things',
    about: 'A column of every type, for tests.',
    table: 'thing',
    source: csv({ missing: 'NA', drift: 'discard', ...source }),
    columns: {
      id: bigint().orReject('no-id'),
      small: integer({ min: -50, max: 5_000 }),
      money: decimal({ precision: 8, scale: 3 }),
      share: decimal({ precision: 3, scale: 3 }),
      at: timestamp(),
      on: date(),
      code: oneOf('santé', 'auto', 'AG_1'),
      place: text({ like: /AG_\d{1,3}|é+/ }),
      words: text({ max: 6 }),
      is: boolean(),
      clock: clockTime(),
      lat: double({ min: -90, max: 90 }),
      y: integer({ min: 1 }),
      m: integer({ min: 1, max: 12 }),
      d: integer({ min: 1, max: 31 }),
    },
    key: ['id'],
    write: 'replaceDay',
    bounds: { recordBytes: 400 },
    ...more,
  });

/** In the order of the file: another than the dataset's, with a column that it does not declare. */
const NAMES = [
  'more',
  'y',
  'm',
  'd',
  'id',
  'small',
  'money',
  'share',
  'at',
  'on',
  'code',
  'place',
  'is',
  'clock',
  'lat',
  'words',
];
/** Sound and unsound spellings, for each column; any of them may also stand in any other. */
const CELLS: Readonly<Record<string, readonly string[]>> = {
  id: [
    '1',
    '-1',
    '0',
    '-0',
    '007',
    '+5',
    '999999999',
    '1000000000',
    '-4294967296',
    '4294967296',
    '123456789012345678',
    '9223372036854775807',
    '-9223372036854775808',
    '9223372036854775808',
    '99999999999999999999',
    '0000000000000000000',
    '',
    '-',
    '1 ',
    '１',
  ],
  small: [
    '5000',
    '5001',
    '-50',
    '-51',
    '-0',
    '0005000',
    '1.0',
    '1e3',
    '2147483648',
    '000000000000001',
    '0000000000000001',
    '',
  ],
  money: [
    '0',
    '-0.00',
    '12345.678',
    '99999.999',
    '100000',
    '1.2345',
    '1.23400',
    '.5',
    '5.',
    '.',
    '-',
    '--1',
    '1.2.3',
    '0001.5',
    '-7',
    '+7',
    '0.0001',
    '1,5',
    '1e2',
  ],
  share: ['0', '0.001', '.999', '0.9990', '1', '00.5', '-0.5', '1.000'],
  at: [
    '2024-03-15T12:00:00Z',
    '2024-03-15 00:00:00Z',
    '2024-03-14T23:30:00-01:00',
    '2024-03-16T00:30:00+01:00',
    '2024-03-15T23:59:59.999999Z',
    '2024-03-15T12:00Z',
    '2024-03-15T12:00:00+0100',
    '2024-03-15T24:00:00Z',
    '2024-03-15T12:60:00Z',
    '2024-03-15T12:00:60Z',
    '2024-02-30T12:00:00Z',
    '2024-03-15T12:00:00',
    '2024-03-15T12:00:00+00',
    '2024-03-15T12:00:00.1234567Z',
    '2024-03-15T12:00:00.Z',
    '2024-03-15T12:00:00+16:00',
    '2024-03-15T12:00:00+15:59',
    '0001-01-01T00:00:00+01:00',
    '9999-12-31T23:00:00-01:00',
    '0000-01-01T00:00:00Z',
    '9999-12-31T00:00:00Z',
    '1970-01-01T00:00:00Z',
    '2024-03-15t12:00:00z',
    '2024-03-15T12:00:00z',
    '2024/03/15T12:00:00Z',
  ],
  on: [
    '2024-03-15',
    '2024-03-16',
    '2024-02-29',
    '2023-02-29',
    '0001-01-01',
    '9999-12-31',
    '24-03-15',
    '2024-3-15',
    '2024-03-15 ',
    '2024-13-01',
    '15/03/2024',
  ],
  code: ['santé', 'auto', 'AG_1', 'Auto', 'sante', 'auto ', 'AG_1\0'],
  place: ['AG_1', 'AG_123', 'AG_1234', 'ééé', 'xAG_1', 'AG_1x'],
  words: [
    'a',
    'abcdef',
    'abcdefg',
    'ééééé',
    'éééééé',
    'ééééééé',
    '😀😀😀',
    ' ',
    '\0',
    '\uFFFD',
    '\\.',
    '\\N',
    'a\rb',
    '\uFEFF',
    '=1',
    'NAN',
  ],
  is: ['true', 'TRUE', 't', 'F', '0', '1', 'yes', ' true'],
  clock: ['1', '2400', '1260', '0', '0001', '2401', '959'],
  y: ['2024', '02024', '2023', '-0', '', '2147483648', '4294969320', '-4294965272'],
  m: ['3', '03', '4', '13'],
  d: ['15', '015', '14', '32', 'NA'],
  lat: ['90', '-90.0', '90.1', '1e1', '.5', '5.', '1e400', 'NaN', '-0', '12.3456789012345678'],
};
/** Zeros that change no number, up to where a decimal has too many of them, and beyond. */
const longZeros = fc
  .tuple(
    fc.constantFrom(0, 79, 80, 81, 90),
    fc.constantFrom('', '1', '1.', '-1.5'),
    fc.constantFrom(0, 79, 80, 81),
  )
  .map(([before, digits, after]) => `${'0'.repeat(before)}${digits}${'0'.repeat(after)}`);
const any = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom('', 'NA', 'na', 'null', '"', '""', '"a"', 'x', ' ') },
  { weight: 1, arbitrary: fc.constantFrom(...Object.values(CELLS).flat()) },
  {
    weight: 1,
    arbitrary: fc.string({ unit: 'binary', maxLength: 8 }).map((value) => value.replaceAll(/[\n,]/g, '')),
  },
);
/** Spellings that every column accepts, for rows of the day. */
const GOOD: Readonly<Record<string, fc.Arbitrary<string>>> = {
  id: fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String), fc.integer().map(String)),
  small: fc.integer({ min: -50, max: 5_000 }).map(String),
  money: fc
    .tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.constantFrom('', '.1', '.02', '.003'))
    .map((pieces) => pieces.join('')),
  share: fc.constantFrom('0', '0.001', '0.9'),
  at: fc
    .tuple(
      fc.integer({ min: 10, max: 23 }),
      fc.constantFrom('', '.5', '.000001'),
      fc.constantFrom('Z', '+02:30', '-00:30'),
    )
    .map(([hour, fraction, zone]) => `2024-03-15T${hour}:29:59${fraction}${zone}`),
  on: fc.constantFrom('2024-03-15', '2024-03-15', '2024-03-16'),
  code: fc.constantFrom('santé', 'auto'),
  place: fc.integer({ min: 1, max: 999 }).map((number) => `AG_${number}`),
  words: fc.constantFrom('', 'a', 'éé', 'abcdef'),
  is: fc.constantFrom('true', 'f'),
  clock: fc.constantFrom('1', '2400'),
  lat: fc.double({ min: -90, max: 90, noNaN: true }).map((number) => number.toFixed(5)),
  y: fc.constant('2024'),
  m: fc.constant('3'),
  d: fc.constantFrom('15', '15', '16'),
};
/** Plain records, with odd cells in few of their columns. */
const cellsOfRecord = fc
  .tuple(
    fc.tuple(...NAMES.map((name) => GOOD[name] ?? fc.constant(''))),
    fc.array(
      fc
        .integer({ min: 0, max: NAMES.length - 1 })
        .chain((column) =>
          fc.tuple(
            fc.constant(column),
            fc.oneof(
              { weight: 5, arbitrary: fc.constantFrom(...(CELLS[NAMES[column] ?? ''] ?? [''])) },
              { weight: 1, arbitrary: any },
              { weight: 1, arbitrary: longZeros },
            ),
          ),
        ),
      { maxLength: 2 },
    ),
  )
  .map(([cells, odd]) => {
    for (const [column, cell] of odd) cells[column] = cell;
    return cells;
  });
const record = cellsOfRecord.map((cells) => cells.join(','));
/** As exports write it that quote each cell, or some. */
const quotedRecord = fc
  .tuple(
    cellsOfRecord,
    fc.constantFrom(0, 0.5),
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 15 }),
  )
  .map(([cells, spared, chances]) =>
    cells
      .map((cell, at) => ((chances[at] ?? 1) < spared ? cell : `"${cell.replaceAll('"', '""')}"`))
      .join(','),
  );
const line = fc.oneof(
  { weight: 20, arbitrary: record },
  { weight: 10, arbitrary: quotedRecord },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      '\r',
      '\\.',
      ',',
      ','.repeat(15),
      '"',
      '"a\n',
      '""',
      '""""',
      `${'"",'.repeat(14)}""`,
      `${'"",'.repeat(13)}"a, b"`,
      'x'.repeat(500),
      '1,'.repeat(15),
      '\0',
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(record, fc.constantFrom(',', '"', ',extra', '\r\r'))
      .map(([whole, more]) => whole + more),
  },
);
const file = fc.record({
  lines: fc.array(line, { maxLength: 12 }),
  end: fc.constantFrom('\n', '\n', '\r\n'),
  lastEnd: fc.boolean(),
  bom: fc.boolean(),
  chunk: fc.integer({ min: 1, max: 90 }),
  /** A byte that is put anywhere: it may spoil an encoding. */
  blot: fc.option(
    fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0xff, 0xc3, 0x80, 0x22, 0x0d, 0x00)),
    { freq: 4 },
  ),
  latin1: fc.boolean(),
});

function bytesOf({
  lines,
  end,
  lastEnd,
  bom,
  blot,
  latin1,
}: typeof file extends fc.Arbitrary<infer T> ? T : never): Buffer {
  const body = lines.join(end) + (lastEnd || lines.length === 0 ? end : '');
  const head = Buffer.from(`${bom && !latin1 ? '\uFEFF' : ''}${NAMES.join(',')}${end}`);
  const content = Buffer.from(body, latin1 ? 'latin1' : 'utf8');
  if (blot && content.length > 0) content[Math.floor(blot[0] * (content.length - 1))] = blot[1];
  return Buffer.concat([head, content]);
}

describe('the fast lane and the way of all records', () => {
  test.each([
    ['rows of any day', {}],
    ['rows of a day', { dayOfRow: { column: 'on' } }],
    ['rows of a month', { dayOfRow: { monthOf: 'on' } }],
    ['rows of the day of an instant', { dayOfRow: { column: 'at' } }],
    ['rows of the month of an instant', { dayOfRow: { monthOf: 'at' } }],
    ['rows of a day in three columns', { dayOfRow: { year: 'y', month: 'm', day: 'd' } }],
  ] as const)('stage and reject the same of %s', async (_what, more) => {
    [taken, turnedAway, takenOfQuotes] = [0, 0, 0];
    let rejected = 0;
    await fc.assert(
      fc.asyncProperty(file, async (written) => {
        const { latin1, lastEnd } = written;
        const dataset = everything(more, { encoding: latin1 ? 'latin1' : 'utf-8', endsLastLine: lastEnd });
        const { counts } = await expectTheSame(dataset, bytesOf(written), written.chunk);
        rejected += counts[2] ?? 0;
      }),
      { numRuns: 400 },
    );
    expect(taken).toBeGreaterThan(400);
    expect(turnedAway).toBeGreaterThan(100);
    expect(takenOfQuotes).toBeGreaterThan(100);
    expect(rejected).toBeGreaterThan(200);
  });
});

const figures = Array.from({ length: 4_000 }, (_, at) => at.toString(3).padStart(1 + (at % 12), '0'));
/** Each text begins with all shorter ones of its letter. */
const runs = Array.from({ length: 2_000 }, (_, at) =>
  String.fromCharCode(33 + (at % 50)).repeat(1 + Math.floor(at / 50)),
);

test.each([
  ['the same figures', figures],
  ['the same beginnings', runs],
])('a value that is remembered is the one that was read, also where texts have %s', (_what, texts) => {
  let made = 0;
  const read = remembering((bytes, start, end, out) => {
    made++;
    return bytes[start] !== 0x78 && encodeText(bytes, start, end, out); // an x is none
  });
  const long = 'y'.repeat(60);
  const all = [...texts.toReversed(), ...texts, '', 'x', 'x', long, long];
  for (const text of all) {
    const bytes = Buffer.from(`22${text}00`);
    const [found, expected] = [new CopyRows(100), new CopyRows(100)];
    expect(read(bytes, 2, 2 + text.length, found)).toBe(text !== 'x');
    if (text !== 'x') encodeText(bytes, 2, 2 + text.length, expected);
    expect(found.written().toString()).toBe(text === 'x' ? '' : expected.written().toString());
  }
  expect(made).toBeGreaterThan(1_500);
  expect(made).toBeLessThan(all.length);
});

test('what a quoted cell holds is judged, and not its quotes, also where rows are found again', async () => {
  const names = defineDataset({
    name: 'names',
    about: 'A text that must not be missing, for tests.',
    table: 'name',
    source: csv({ missing: 'NA' }),
    columns: { id: bigint().orReject('no-id'), name: text({ max: 4 }).orReject('no-name') },
    key: ['id'],
    write: 'replaceDay',
  });
  const lines = [
    'id,name',
    '1,"abcd"',
    '2,""',
    '"3",NA',
    '4,"NA"',
    '5,"a,"',
    '6,"a""b"',
    '7,"abcde"',
    '"8","é"',
    '',
  ];
  const { rows, byRule } = await expectTheSame(names, Buffer.from(lines.join('\n')), 9);
  expect(rows.map(([, name]) => Buffer.from(name ?? '', 'hex').toString())).toEqual([
    'abcd',
    'a,',
    'a"b',
    'é',
  ]);
  expect(byRule).toEqual({ 'no-name': 3, 'too-long': 1 });
});

test('bytes that are no text stand for a missing value where the character that replaces them does', async () => {
  const flags = defineDataset({
    name: 'flags',
    about: 'A value that may be missing, for tests.',
    table: 'flag',
    source: csv({ missing: '\uFFFD' }),
    columns: { id: bigint().orReject('no-id'), is: boolean() },
    key: ['id'],
    write: 'replaceDay',
  });
  const { rows, byRule } = await expectTheSame(
    flags,
    Buffer.from('id,is\n1,\x80\n2,t\n3,no\xff\n', 'latin1'),
    7,
  );
  expect(rows).toHaveLength(2);
  expect(byRule).toEqual({ 'not-a-boolean': 1 });
});
