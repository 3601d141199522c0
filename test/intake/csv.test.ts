import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SourceBroken } from '../../rules/errors.ts';
import { personDataset, readAll, textDataset } from '../support/csv.ts';
import { containing, matching, refusalOf } from '../support/intake.ts';

const people = personDataset();
const ANN_AND_BOB = [
  ['1', 'Ann', '30'],
  ['2', 'Bob', '40'],
];

describe('a CSV file', () => {
  test.each([
    ['with LF', 'id,name,age\n1,Ann,30\n2,Bob,40\n'],
    ['with CRLF', 'id,name,age\r\n1,Ann,30\r\n2,Bob,40\r\n'],
    ['with both', 'id,name,age\r\n1,Ann,30\n2,Bob,40\r\n'],
    ['with a BOM', '\uFEFFid,name,age\n1,Ann,30\n2,Bob,40\n'],
    ['with a BOM before a quoted header', '\uFEFF"id",name,age\n1,Ann,30\n2,Bob,40\n'],
    ['without a last line end', 'id,name,age\n1,Ann,30\n2,Bob,40'],
    ['cut between CR and LF', 'id,name,age\r\n1,Ann,30\r\n2,Bob,40\r'],
    ['with its columns in another order', 'age,id,name\n30,1,Ann\n40,2,Bob\n'],
    ['with everything quoted', '"id","name","age"\n"1","Ann","30"\n"2","Bob","40"\n'],
    ['with blank lines', 'id,name,age\n\n1,Ann,30\r\n\r\n\n2,Bob,40\n\n\n'],
  ])('%s is read', async (_how, content) => {
    for (const chunk of [1, 2, 3, 7, 65_536]) {
      const { rows, broken } = await readAll(people, content, { chunk });
      expect({ rows, broken }).toEqual({ rows: ANN_AND_BOB, broken: [] });
    }
  });

  test.each([';', '\t', '|'] as const)('with the delimiter %j is read', async (delimiter) => {
    const content = 'id,name,age\n1,Ann,30\n2,"Bob",40\n'.replaceAll(',', delimiter);
    expect((await readAll(personDataset({ delimiter }), content)).rows).toEqual(ANN_AND_BOB);
  });

  test('in Latin-1 is read as that where it is declared, the euro of Windows included', async () => {
    const bytes = Buffer.concat([
      Buffer.from('id,name,age\n1,Zo\xEB \xDF ', 'latin1'),
      Buffer.of(0x80, 0x0a),
    ]);
    const content = Buffer.concat([bytes.subarray(0, -1), Buffer.from(',30\n')]);
    const { rows, records } = await readAll(personDataset({ encoding: 'latin1' }), content);
    expect(rows).toEqual([['1', 'Zoë ß €', '30']]);
    expect(records[0]?.raw).toBe('1,Zoë ß €,30');
  });

  test('in Latin-1 without being declared so gives cells that no text column lets through', async () => {
    const { rows } = await readAll(people, Buffer.from('id,name,age\n1,Zo\xEB,30\n', 'latin1'));
    expect(people.columns['name']?.parse(rows[0]?.[1] ?? '')).toMatchObject({ rule: 'bad-encoding' });
  });

  test('in another encoding than the declared one breaks the contract by its mark', async () => {
    const utf16 = Buffer.from('\uFEFFid,name,age\n', 'utf16le');
    expect(await refusalOf(readAll(people, utf16))).toMatchObject({ name: 'SourceContractBroken' });
    const marked = '\uFEFFid,name,age\n';
    const latin = personDataset({ encoding: 'latin1' });
    expect(await refusalOf(readAll(latin, marked))).toMatchObject({ name: 'SourceContractBroken' });
  });

  test('has newlines, delimiters and doubled quotes inside quotes', async () => {
    const { rows, records } = await readAll(people, 'id,name,age\n1,"a\nb,\r\n""c""",3\n2,"",4\n');
    expect(rows).toEqual([
      ['1', 'a\nb,\r\n"c"', '3'],
      ['2', null, '4'],
    ]);
    expect(records.map(({ record, line, raw }) => [record, line, raw])).toEqual([
      [1, 2, '1,"a\nb,\r\n""c""",3'],
      [2, 5, '2,"",4'],
    ]);
  });

  test('has missing values: the empty cell, and what the source calls so', async () => {
    const { rows } = await readAll(
      personDataset({ missing: ['NA', '-'] }),
      'id,name,age\n,NA,-\n"NA"," NA",""\n',
    );
    expect(rows).toEqual([
      [null, null, null],
      [null, ' NA', null],
    ]);
  });

  test('keeps a NUL for the column to judge', async () => {
    const { rows, records } = await readAll(people, 'id,name,age\n1,a\0b,30\n');
    expect(rows).toEqual([['1', 'a\0b', '30']]);
    expect(people.columns['name']?.parse(rows[0]?.[1] ?? '')).toMatchObject({ rule: 'nul-character' });
    expect(records[0]?.raw).toBe('1,a\0b,30');
  });

  test('of one column has missing values for blank lines, and \\. for data', async () => {
    const notes = textDataset(['a']);
    expect((await readAll(notes, 'a\nx\n\n\\.\ny\n')).rows).toEqual([['x'], [null], ['\\.'], ['y']]);
  });

  test('of several columns has a ragged record where a line is \\.', async () => {
    const { rows, broken } = await readAll(people, 'id,name,age\n1,Ann,30\n\\.\n2,Bob,40\n');
    expect({ rows, broken }).toEqual({ rows: ANN_AND_BOB, broken: ['3 ragged-record'] });
  });

  test('has ragged rows, which are kept with their line and text', async () => {
    const { rows, records } = await readAll(
      people,
      'id,name,age\n1,Ann,30\n9,Zoe\n2,Bob,40\n8,X,1,2\n7,lost\n',
    );
    expect(rows).toEqual(ANN_AND_BOB);
    expect(records.filter(({ cells }) => cells === null)).toMatchObject([
      { record: 2, line: 3, rule: 'ragged-record', reason: 'has 2 fields, the header has 3', raw: '9,Zoe' },
      { record: 4, line: 5, raw: '8,X,1,2' },
      { record: 5, line: 6, raw: '7,lost' },
    ]);
  });
});

describe('a broken quote', () => {
  const header = 'id,name,age\n';
  test.each([
    ['in the middle of a field spoils its own line', '1,An"n,30\n2,Bob,40\n', ['2 broken-quote'], ['2']],
    [
      'after a quoted field spoils its own line',
      '1,"An"n,30\n2,Bob,40\n1,"A" ,3\n',
      ['2 broken-quote', '4 broken-quote'],
      ['2'],
    ],
    ['undoubled spoils its own line', '1,"say "hi" now",30\n2,Bob,40\n', ['2 broken-quote'], ['2']],
    [
      'that opens a field for good spoils every line to the end, each for itself',
      '1,"Ann,30\n2,Bob,40\n\n3,Cid,50\n',
      ['2 broken-quote', '3 broken-quote', '5 broken-quote'],
      [],
    ],
    [
      'that opens a field spoils lines until one proves where it stands',
      '1,"Ann,30\n2,Bob,40\n3,"Cid",50\n4,Dan,1\n5,"Eve",2\n6,Fay,3\n',
      ['2 broken-quote', '3 broken-quote', '4 broken-quote', '5 broken-quote'],
      ['5', '6'],
    ],
    [
      'undoubled in a field of several lines spoils all of them, however right one looks',
      '1,"say "hi"\n2,Bob,40\nto all",30\n3,Cid,50\n',
      ['2 broken-quote', '3 broken-quote', '4 broken-quote'],
      ['3'],
    ],
    ['before a lone CR spoils its own line', '1,"Ann"\rx,30\n2,Bob,40\n', ['2 broken-quote'], ['2']],
    ['in the last field', '2,Bob,40\n3,"Ci\n', ['3 broken-quote'], ['2']],
  ])('%s', async (_what, content, broken, ids) => {
    for (const chunk of [1, 2, 5, 65_536]) {
      const result = await readAll(people, header + content, { chunk });
      expect({ broken: result.broken, ids: result.rows.map(([id]) => id) }).toEqual({ broken, ids });
    }
  });

  test('never swallows a huge file: what it costs is bounded, and counted line by line', async () => {
    const dataset = personDataset({}, { recordBytes: 1_000 });
    const lines = Array.from({ length: 20_000 }, (_, index) => `${index},name,1`);
    const content = `${header}0,"open,1\n${lines.join('\n')}\n1,"x",1\n2,last,1\n`;
    const { rows, broken, records } = await readAll(dataset, content);
    expect(records).toHaveLength(20_003);
    expect(broken).toHaveLength(20_001);
    expect(rows).toEqual([
      ['1', 'x', '1'],
      ['2', 'last', '1'],
    ]);
  });
});

describe('a file that ends in the middle of a record', () => {
  const start = 'id,name,age\n1,Ann,30\n';
  test.each([
    ['between two fields', '2,Bo', /line 3: it has 2 fields, the header has 3/],
    ['inside a quoted field', '2,"Bob,4', /line 3: it has a quote that is not doubled, or is never closed/],
    [
      'lines after the quote that was never closed',
      '2,"Bob,4\n3,Cid,5',
      /line 4: it has a quote that is not doubled, or is never closed/,
    ],
  ])('%s is cut short, however it is read', async (_where, end, detail) => {
    for (const chunk of [1, 7, 65_536]) {
      expect(await refusalOf(readAll(people, start + end, { chunk }))).toMatchObject({
        name: 'SourceBroken',
        message: 'A file ends in the middle of a record: it was cut short',
        detail: matching(detail),
      });
    }
  });

  test.each(['2,Bob,4', '2,Bob,40', '2,Bob,', '2,"Bob","40"'])(
    'is known to be cut after %j by its source alone, which ends every line',
    async (end) => {
      expect((await readAll(people, start + end)).rows).toHaveLength(2);
      for (const chunk of [1, 65_536]) {
        const strict = personDataset({ endsLastLine: true });
        const error = await refusalOf(readAll(strict, start + end, { chunk }));
        expect(error).toMatchObject({
          name: 'SourceBroken',
          detail: matching(/line 3: its line has no end/),
        });
        expect((await readAll(strict, `${start}${end}\r\n`, { chunk })).rows).toHaveLength(2);
        expect((await readAll(strict, `${start}${end}\r`, { chunk })).rows).toHaveLength(2);
      }
    },
  );

  test('is not told from a line with too many fields, nor from one that is too long', async () => {
    expect((await readAll(people, `${start}2,Bob,40,x`)).broken).toEqual(['3 ragged-record']);
    const strict = personDataset({ endsLastLine: true }, { recordBytes: 20 });
    for (const chunk of [1, 22, 65_536])
      expect((await readAll(strict, `${start}${'x'.repeat(100)}`, { chunk })).broken).toEqual([
        '3 record-too-long',
      ]);
  });
});

describe('a huge record', () => {
  const dataset = personDataset({}, { recordBytes: 100 });
  const plain = `id,name,age\n1,${'x'.repeat(5_000)},30\n2,Bob,40\n`;
  const quoted = `id,name,age\n1,"${'x'.repeat(5_000)}",30\n2,Bob,40\n`;
  const lines = `id,name,age\n1,"${'2,fake,1\n'.repeat(50)}",30\n2,Bob,40\n`;
  test.each([
    ['plain', plain, 1],
    ['quoted', quoted, 1],
    ['of many lines', lines, 51],
  ])('%s is rejected with its beginning, and reading goes on after it', async (_what, content, broken) => {
    const results = await Promise.all(
      [1, 64, 1_000, 65_536].map((chunk) => readAll(dataset, content, { chunk })),
    );
    for (const result of results) {
      expect(result.rows).toEqual([['2', 'Bob', '40']]);
      expect(result.broken).toHaveLength(broken);
      expect(result.broken[0]).toBe('2 record-too-long');
      expect(result.records[0]?.raw.length).toBeLessThanOrEqual(100);
      expect(result.records.map(({ line, raw }) => [line, raw])).toEqual(
        results[0]?.records.map(({ line, raw }) => [line, raw]),
      );
    }
  });

  test('of just the allowed length is read', async () => {
    const row = `1,${'x'.repeat(95)},30`;
    expect(row).toHaveLength(100);
    for (const end of ['\n', '\r\n', '']) {
      expect((await readAll(dataset, `id,name,age\n${row}${end}`, { chunk: 10 })).rows).toHaveLength(1);
    }
  });
});

describe('the header is a contract', () => {
  test.each([
    ['a missing column is named', 'id,age\n1,30\n', /it lacks name$/],
    ['a renamed column is named on both sides', 'id,nom,age\n', /it lacks name; it has nom, not declared/],
    ['a duplicate is named', 'id,name,age,name\n', /name more than once/],
    ['an undeclared one is refused under freeze', 'id,name,age,x\n', /it has x, not declared/],
    ['a file without one has no columns', '1,Ann,30\n', /it lacks id, name, age/],
    ['another delimiter is no header', 'id;name;age\n', /it lacks id, name, age/],
    ['a blank first line is none', '\nid,name,age\n', /it lacks id, name, age/],
    ['an empty file has none', '', /is empty/],
    ['a mark alone is none', '\uFEFF', /is empty/],
    ['one that never closes its quote is none', '"id,name,age\n1,2,3\n', /cannot be read/],
  ])('%s', async (_what, content, message) => {
    const error = await refusalOf(readAll(people, content));
    expect(error).toMatchObject({ name: 'SourceContractBroken', message: matching(message) });
    expect(error.detail).toContain('part-00001.csv');
    expect(error.hint).toBeDefined();
  });

  test('an empty file is told what a day without records looks like, and whether that would be loaded', async () => {
    const hintOf = async (allowEmpty: boolean) =>
      (await refusalOf(readAll({ ...people, allowEmpty }, ''))).hint;
    expect(await hintOf(true)).toMatch(/a day without records is a file with nothing but its header\.$/);
    expect(await hintOf(false)).toMatch(
      /a day of nothing but a header is refused as well, unless .*allowEmpty/,
    );
  });

  test('under discard an undeclared column is left out with a warning', async () => {
    const { rows, warnings } = await readAll(
      personDataset({ drift: 'discard' }),
      'id,x,name,age,\n1,?,Ann,30,\n',
    );
    expect(rows).toEqual([['1', 'Ann', '30']]);
    expect(warnings).toEqual([
      'Column x is not declared and was left out',
      'Column "" is not declared and was left out',
    ]);
  });

  test('a file with nothing but a header has no records', async () => {
    expect((await readAll(people, 'id,name,age\n')).records).toEqual([]);
    expect((await readAll(people, 'id,name,age')).records).toEqual([]);
  });
});

describe('gzip', () => {
  const content = `id,name,age\n${'1,Ann,30\n'.repeat(20_000)}`;
  const gz = { name: 'part-00001.csv.gz' };
  test('is read where the name says so, members one after another too', async () => {
    expect((await readAll(people, gzipSync(content), gz)).rows).toHaveLength(20_000);
    const members = Buffer.concat([gzipSync(content), gzipSync('2,Bob,40\n')]);
    expect((await readAll(people, members, { ...gz, chunk: 100 })).rows).toHaveLength(20_001);
  });

  const whole = gzipSync(content);
  const damaged = Buffer.from(whole);
  damaged[whole.length - 6] = (damaged[whole.length - 6] ?? 0) ^ 1;
  test.each([
    ['cut short', whole.subarray(0, -10), gz],
    ['cut to its first bytes', whole.subarray(0, 3), gz],
    ['cut to nothing', Buffer.alloc(0), gz],
    ['damaged', damaged, gz],
    ['followed by other bytes', Buffer.concat([whole, Buffer.from('garbage')]), gz],
    ['followed by zeros where a member should be', Buffer.concat([whole, Buffer.alloc(50)]), gz],
    ['that is none', Buffer.from(content), gz],
    ['that its name does not tell', whole, { name: 'part-00001.csv' }],
  ])('%s is a broken source', async (_what, bytes, options) => {
    expect(await refusalOf(readAll(people, bytes, options))).toMatchObject({
      name: 'SourceBroken',
      detail: containing(options.name),
    });
  });

  test('that grows beyond the bound is a bomb', async () => {
    const bomb = gzipSync(`id,name,age\n${'x'.repeat(50_000_000)}`);
    const error = await refusalOf(readAll(people, bomb, gz));
    expect(error).toMatchObject({ name: 'LimitExceeded', message: containing('200 times') });
  });
});

test('whatever rows are written in whatever dialect, the same come back', async () => {
  const cell = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    fc.string({
      unit: fc.constantFrom('"', ',', ';', '\n', '\r', '\t', '|', 'a', '\\', '.', ' ', 'é'),
      maxLength: 8,
    }),
  );
  const dialect = fc.record({
    delimiter: fc.constantFrom(',', ';', '\t', '|' as const),
    end: fc.constantFrom('\n', '\r\n'),
    bom: fc.boolean(),
    quoteAll: fc.boolean(),
    lastEnd: fc.boolean(),
    packed: fc.boolean(),
    chunk: fc.integer({ min: 1, max: 40 }),
    width: fc.integer({ min: 1, max: 5 }),
  });
  const input = dialect.chain((chosen) =>
    fc.tuple(
      fc.constant(chosen),
      fc.array(fc.array(cell, { minLength: chosen.width, maxLength: chosen.width }), { maxLength: 12 }),
    ),
  );
  await fc.assert(
    fc.asyncProperty(
      input,
      async ([{ delimiter, end, bom, quoteAll, lastEnd, packed, chunk, width }, rows]) => {
        const names = ['a', 'b', 'c', 'd', 'e'].slice(0, width);
        const write = (value: string) =>
          quoteAll || /["\r\n]/.test(value) || value.includes(delimiter)
            ? `"${value.replaceAll('"', '""')}"`
            : value;
        const text = [names, ...rows].map((row) => row.map(write).join(delimiter)).join(end);
        // Without the last line's end, an empty last record of one column would be none.
        const closed = lastEnd || rows.at(-1)?.join('') === '' ? end : '';
        const bytes = Buffer.from(`${bom ? '\uFEFF' : ''}${text}${closed}`);
        const dataset = textDataset(names, { delimiter });
        const [content, name] = packed ? [gzipSync(bytes), 'x.csv.gz'] : [bytes, 'x.csv'];
        const back = await readAll(dataset, content, { chunk, name });
        expect(back.broken).toEqual([]);
        expect(back.rows).toEqual(rows.map((row) => row.map((value) => (value === '' ? null : value))));
      },
    ),
    { numRuns: 1_000 },
  );
});

const anyBytes = fc.string({
  unit: fc.constantFrom('"', '"', ',', '\n', '\n', '\r', 'a', '1', '\0', '\\'),
  maxLength: 120,
});

test('whatever bytes come, reading ends, says the same in any chunks, and loses no line', async () => {
  const dataset = personDataset({}, { recordBytes: 20 });
  const end = fc.constantFrom('\n', '\r\n', '\r');
  await fc.assert(
    fc.asyncProperty(anyBytes, end, fc.integer({ min: 1, max: 30 }), async (body, lastEnd, chunk) => {
      const content = `id,name,age\n${body}${lastEnd}`;
      const [one, other] = [await readAll(dataset, content), await readAll(dataset, content, { chunk })];
      const shown = ({ records }: typeof one) =>
        records.map(({ record, line, raw, cells }) => [record, line, raw, cells]);
      expect(shown(other)).toEqual(shown(one));
      expect(one.records.map(({ record }) => record)).toEqual(one.records.map((_, index) => index + 1));
      const covered = new Set<number>();
      for (const { line, raw } of one.records) {
        for (let at = 0; at <= raw.split('\n').length - 1; at++) covered.add((line ?? 0) + at);
      }
      const lines = content.split('\n').map((text) => text.replace(/\r$/, ''));
      const lost = lines.flatMap((text, index) =>
        index > 0 && text !== '' && !covered.has(index + 1) ? [text] : [],
      );
      expect(lost).toEqual([]);
    }),
    { numRuns: 3_000 },
  );
});

test('wherever bytes end, whether they were cut short is told the same in any chunks', async () => {
  const dataset = personDataset({}, { recordBytes: 20 });
  const answerOf = async (content: string, chunk = 65_536) => {
    try {
      const { rows, broken } = await readAll(dataset, content, { chunk });
      return { isCut: false, said: JSON.stringify([rows, broken]) };
    } catch (cause) {
      if (cause instanceof SourceBroken) return { isCut: true, said: cause.detail };
      throw cause;
    }
  };
  let cut = 0;
  await fc.assert(
    fc.asyncProperty(anyBytes, fc.integer({ min: 1, max: 30 }), async (body, chunk) => {
      const answer = await answerOf(`id,name,age\n${body}`);
      expect(await answerOf(`id,name,age\n${body}`, chunk)).toEqual(answer);
      if (answer.isCut) cut++;
      expect(answer.isCut && /[\r\n]$/.test(body)).toBe(false);
    }),
    { numRuns: 2_000 },
  );
  expect(cut).toBeGreaterThan(200);
});
