import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readBlocks } from '../../intake/csv.ts';
import { CsvSorter } from '../../intake/csv-sorter.ts';
import { StagedFinder } from '../../intake/staged-finder.ts';
import { StagedPlaces } from '../../intake/staged-places.ts';
import { defineDataset, type Dataset } from '../../rules/dataset.ts';
import { integer, text } from '../../rules/kit.ts';
import { Ordinals } from '../../rules/ordinals.ts';
import { csv, type CsvSource } from '../../rules/source.ts';
import { dayOf } from '../support/intake.ts';

const declared = { about: 'For tests.', key: ['id'], write: 'replaceDay' } as const;
const wide = defineDataset({
  ...declared,
  name: 'wide',
  table: 'wide',
  source: csv(),
  columns: { id: integer().orReject('no-id'), words: text() },
});
const narrow = defineDataset({
  ...declared,
  name: 'narrow',
  table: 'narrow',
  source: csv(),
  columns: { id: integer().orReject('no-id') },
});

const line = fc.oneof(
  { weight: 4, arbitrary: fc.nat(99).map((id) => `${id},plain`) },
  fc.constantFrom(
    '',
    '\r',
    ',',
    '7',
    'x,bad',
    '5,"quo""ted"',
    '6,"on\ntwo lines"',
    '8,"broken',
    '9,a"b',
    '3,c\r',
    '\\.',
  ),
);

/** Places of the staged records, found by counting lines and found by sorting every record again. */
async function placesBothWays(
  dataset: Dataset,
  lines: readonly string[],
  isSought: (place: number) => boolean,
) {
  const source = dataset.source as CsvSource;
  const header = Object.keys(dataset.columns).join(',');
  const content = Buffer.from(`${[header, ...lines].join('\n')}\n`);
  const file = { key: 'part-00001.csv', bytes: content.length, sha256: '' };
  const part = { dataset, source, businessDate: dayOf('2024-03-15'), part: 1, file: file.key };
  const blocks = () =>
    readBlocks(dataset, source, file, Readable.from([content]) as AsyncIterable<Buffer>, () => undefined);
  const others = new Ordinals();
  const again: number[] = [];
  for await (const block of blocks()) {
    const { rejects } = new CsvSorter(part, block.header).sort(block);
    const said = Buffer.from(rejects).toString().split('\n').filter(Boolean);
    for (const reject of said) others.add((JSON.parse(reject) as { record: number }).record);
    again.push(...new StagedFinder(part, block.header).stagedPlaces(block).map(({ record }) => record));
  }
  const sought = new Ordinals([...again.keys()].filter(isSought));
  const counted: [ordinal: number, record: number][] = [];
  const staged = new StagedPlaces(others, sought, 0);
  for await (const block of blocks()) {
    const { places, ordinals } = staged.in(block);
    const sound = new StagedFinder(part, block.header).read(block, places);
    for (const [index, { record }] of sound.entries()) {
      counted.push([ordinals[index] ?? -1, record.record]);
      expect(record.line).toBe(places[index]?.line);
    }
  }
  return { counted, again: [...again.entries()].filter(([ordinal]) => isSought(ordinal)) };
}

test.each([wide, narrow])(
  'rows that SQL rejects are found by counting lines where sorting $name again would find them',
  async (dataset) => {
    const files = fc.array(line, { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(files, fc.integer({ min: 1, max: 3 }), async (lines, every) => {
        const found = await placesBothWays(dataset, lines, (ordinal) => ordinal % every === 0);
        expect(found.counted).toEqual(found.again);
      }),
      { numRuns: 300 },
    );
  },
);
