import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonText, numberCell, parseJson } from '../../intake/json-numbers.ts';
import { readPages } from '../../intake/pages.ts';
import type { ReadRecord } from '../../intake/records.ts';
import { Rejection } from '../../rules/columns.ts';
import { defineDataset } from '../../rules/dataset.ts';
import { boolean, decimal, integer, text } from '../../rules/kit.ts';
import { rest, type RestSource } from '../../rules/source.ts';
import { containing, refusalOf } from '../support/intake.ts';

function movements(drift: RestSource['drift'] = 'discard') {
  return defineDataset({
    name: 'movements',
    about: 'Wagons, for tests.',
    table: 'movement',
    source: rest({ baseUrlFrom: 'API_URL', path: '/', drift }),
    columns: {
      id: integer().orReject(),
      tonnes: decimal({ precision: 20, scale: 6 }).from('weight'),
      empty: boolean(),
      note: text().from('constructor'),
    },
    key: ['id'],
    write: 'replaceDay',
  });
}

/** Has every declared property, so that none of them counts as taken away; not among what `read` answers. */
const COMPLETE = '{"id":0,"weight":0,"empty":false,"constructor":""}';

/** Reads pages whose records are given as JSON texts, and a last one with a complete record. */
async function read(given: readonly (readonly string[])[], drift?: RestSource['drift']) {
  const { records, cells, warnings } = await readAlone([...given, [COMPLETE]], drift);
  return { records: records.slice(0, -1), cells: cells.slice(0, -1), warnings };
}

async function readAlone(pages: readonly (readonly string[])[], drift?: RestSource['drift']) {
  const dataset = movements(drift);
  const files = pages.map((_, index) => ({ key: `page-${index + 1}`, bytes: 0, sha256: '' }));
  const open = (file: { key: string }) => {
    const records = pages[Number(file.key.slice(5)) - 1] ?? [];
    return Readable.from([Buffer.from(`{"data": [${records.join(', ')}], "next_cursor": null}`)]);
  };
  const warnings: string[] = [];
  const records: ReadRecord[] = [];
  const source = dataset.source as RestSource;
  for await (const batch of readPages(dataset, source, files, open, (line) => warnings.push(line))) {
    records.push(...batch);
  }
  const cells = records.map((record) =>
    record.cells === null
      ? record.rule
      : record.cells.map((cell) => (cell instanceof Rejection ? cell.rule : cell)),
  );
  return { records, cells, warnings };
}

describe('records of landed pages', () => {
  test('are numbered through all pages of a part, and keep their text', async () => {
    const { records, cells } = await read([
      ['{"id":1,"weight":2.5,"empty":false,"constructor":"x"}'],
      [],
      ['{"id":"2","weight":"3","empty":true}', '{"id":3}'],
    ]);
    expect(cells).toEqual([
      ['1', '2.5', 'false', 'x'],
      ['2', '3', 'true', null],
      ['3', null, null, null],
    ]);
    expect(records.map(({ record, line, raw }) => [record, line, raw])).toEqual([
      [1, null, '{"id":1,"weight":2.5,"empty":false,"constructor":"x"}'],
      [2, null, '{"id":"2","weight":"3","empty":true}'],
      [3, null, '{"id":3}'],
    ]);
  });

  test('that all lack a declared property break the contract: it was renamed or taken away', async () => {
    const refusal = await refusalOf(
      readAlone([['{"id":1,"weight":1,"empty":true}', '{"id":2,"weight":1,"empty":true,"konstructor":"x"}']]),
    );
    expect(refusal).toMatchObject({ name: 'SourceContractBroken', message: containing('constructor') });
    expect((await readAlone([[]])).records).toEqual([]);
  });

  test('have missing values: null, the empty text, no such property', async () => {
    const { cells } = await read([['{"id":null,"weight":""}']]);
    expect(cells).toEqual([[null, null, null, null]]);
  });

  test('that are no objects are broken, with their text', async () => {
    const { records, cells } = await read([['1', 'null', '[2]', '"x"', '{"id":1}', '12345678901234567890']]);
    expect(cells).toEqual([
      'wrong-type',
      'wrong-type',
      'wrong-type',
      'wrong-type',
      ['1', null, null, null],
      'wrong-type',
    ]);
    expect(records.map(({ raw }) => raw)).toEqual([
      '1',
      'null',
      '[2]',
      '"x"',
      '{"id":1}',
      '12345678901234567890',
    ]);
  });

  test('with an object or an array in a cell are told so', async () => {
    expect((await read([['{"id":{"a":1},"weight":[]}']])).cells).toEqual([
      ['wrong-type', 'wrong-type', null, null],
    ]);
  });

  test('with an undeclared property follow the drift: left out with one warning, or refused', async () => {
    const pages = [['{"id":1,"x":2}', '{"id":2,"x":3,"__proto__":4}']];
    const { cells, warnings } = await read(pages);
    expect(cells).toEqual([
      ['1', null, null, null],
      ['2', null, null, null],
    ]);
    expect(warnings).toEqual([
      'Property x is not declared and was left out',
      'Property __proto__ is not declared and was left out',
    ]);
    const error = await refusalOf(read(pages, 'freeze'));
    expect(error).toMatchObject({
      name: 'SourceContractBroken',
      detail: containing('record 1'),
    });
  });

  test.each([
    ['9007199254740991', '9007199254740991'],
    ['9007199254740993', 'number-too-precise'],
    ['-9007199254740992', 'number-too-precise'],
    ['1e20', 'number-too-precise'],
    ['1e21', 'number-too-precise'],
    ['1e400', 'number-too-precise'],
    ['1e-400', 'number-too-precise'],
    ['0.1000000000000000055', 'number-too-precise'],
    ['0.12345678901234567', 'number-too-precise'],
    ['123456789012.345', '123456789012.345'],
    ['0.10000000000000000000', '0.1'],
    ['1e-7', '0.0000001'],
    ['-2.5E-9', '-0.0000000025'],
    ['1.5e3', '1500'],
    ['-0', '0'],
  ])('the number %s becomes %s, and never another one', async (number, cell) => {
    const { cells } = await read([[`{"id":1,"weight":${number},"constructor":"\\\\\\" 9007199254740993"}`]]);
    expect(cells[0]?.[1]).toBe(cell);
    expect(cells[0]?.[3]).toBe('\\" 9007199254740993');
  });

  test.each(['9007199254740993', '0.1000000000000000055', '1e400'])(
    'the raw text has the number %s as it came',
    async (number) => {
      const { records } = await read([[`{"id":1,"weight":${number}}`]]);
      expect(records[0]?.raw).toBe(`{"id":1,"weight":${number}}`);
    },
  );

  test('a string of megabytes beside a long number does no harm', () => {
    const long = `${'x'.repeat(5_000_000)}${'\\n'.repeat(2_000_000)}`;
    const value = parseJson(`{"a":"${long}","n":12345678901234567890}`);
    expect(jsonText(value).endsWith('"n":12345678901234567890}')).toBe(true);
  });
});

test('every document is what JSON.parse says, apart from numbers that it would change', () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      const back = JSON.parse(jsonText(parseJson(json))) as unknown;
      expect(back).toEqual(JSON.parse(json));
    }),
    { numRuns: 3_000 },
  );
});

test('a number that is let through is written without an exponent and is the same number', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.double(),
        fc.integer(),
        fc.tuple(fc.integer(), fc.integer({ min: -12, max: 12 })).map(([a, b]) => Number(`${a}e${b}`)),
      ),
      (number) => {
        const cell = numberCell(number);
        if (cell instanceof Rejection) return;
        expect(cell).toMatch(/^-?\d+(\.\d+)?$/);
        expect(Number(cell) === number).toBe(true);
      },
    ),
    { numRuns: 3_000 },
  );
});
