import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { CsvSorter } from '../../intake/csv-sorter.ts';
import { readBlocks, type CsvBlock } from '../../intake/csv.ts';
import { keyColumnOf } from '../../intake/key-column.ts';
import type { Copies } from '../../intake/judge.ts';
import type { RejectedRecord, SortedPart } from '../../intake/manifest.ts';
import { Pace } from '../../intake/pace.ts';
import { passDay } from '../../intake/pass-day.ts';
import { readRejects } from '../../intake/rejects.ts';
import { sortInTurn } from '../../intake/sort-in-turn.ts';
import { SortThreads } from '../../intake/sort-threads.ts';
import { bigint, integer, type Dataset } from '../../rules/kit.ts';
import type { CsvSource } from '../../rules/source.ts';
import { fieldsOf, rowsBetween } from '../support/copy.ts';
import { dayOf, openIntake, type IntakeHouse } from '../support/intake.ts';
import {
  byPlace,
  filesOf,
  judgedOf,
  keyedDataset,
  keyedDays,
  type Judged,
  type KeyedDay,
  type KeyedRow,
  soundOf,
  type Lost,
  type Note,
} from '../support/keyed-days.ts';

const day = { dataset: 'sales', businessDate: dayOf('2024-03-15') };
const ofInteger = { dataset: keyedDataset(integer()), from: [-20n, 2_147_480_000n, -2_147_483_600n] };
const ofBigint = {
  dataset: keyedDataset(bigint()),
  from: [-20n, 2n ** 31n - 20n, 2n ** 32n - 20n, -(2n ** 32n) - 20n, 2n ** 63n - 1_000n, 100n - 2n ** 63n],
};

/** Encoded rows as values. */
function valuesOf(rows: Buffer): KeyedRow[] {
  return fieldsOf(rows).map(([note, id, amount]) => {
    const bytes = Buffer.from(id ?? '', 'hex');
    return [
      note == null ? null : Buffer.from(note, 'hex').toString(),
      bytes.length === 4 ? BigInt(bytes.readInt32BE()) : bytes.readBigInt64BE(),
      Buffer.from(amount ?? '', 'hex').readInt32BE(),
    ];
  });
}

const placeOf = ({ part, record, line, rule, raw }: RejectedRecord): Lost => ({
  part,
  record,
  line: line ?? 0,
  rule,
  raw,
});

/** What a day's files came to on their way, as often as they had to be asked for. */
interface Passed {
  readonly rows: readonly KeyedRow[];
  readonly parts: readonly SortedPart[];
  /** By their rejects files. */
  readonly rejects: readonly Lost[];
  /** Of these it was told while they came. */
  readonly told: readonly Lost[];
  /** It ended early at first: what had been judged by then is the warehouse's to judge. */
  readonly isRestarted: boolean;
}

async function pass(house: IntakeHouse, dataset: Dataset, files: readonly Buffer[], threads?: SortThreads) {
  const { landing } = house;
  const landed = await Promise.all(
    files.map(async (content, index) => ({
      part: index + 1,
      files: [await landing.write(`sales/2024-03-15/1/landed/part-${index + 1}.csv`, inPieces(content))],
      records: null,
    })),
  );
  const context = { ...house.context, ...(threads && { threads }) };
  for (const isRestarted of [false, true]) {
    const told: Lost[] = [];
    const pieces: Buffer[] = [];
    const onRejects = async (lines: Uint8Array) => {
      for (const line of Buffer.from(lines).toString().split('\n').filter(Boolean))
        told.push(placeOf(JSON.parse(line) as RejectedRecord));
    };
    const of = { dataset, day, landed, epoch: 1, rejectLimitPercent: 100 };
    const stream = passDay(of, context, new Pace(context.signal), isRestarted, onRejects);
    let next = await stream.next();
    // A piece holds until the next one is asked for.
    for (; !next.done; next = await stream.next()) pieces.push(Buffer.from(next.value));
    if (!next.value) continue;
    const { parts } = next.value;
    const rows = valuesOf(rowsBetween(Buffer.concat(pieces)));
    return { rows, parts, rejects: await rejectsOf(house, parts), told, isRestarted };
  }
  throw new Error('the stream ended early twice');
}

async function* inPieces(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}

async function rejectsOf({ landing }: IntakeHouse, parts: readonly SortedPart[]): Promise<Lost[]> {
  const rejects: Lost[] = [];
  for (const { rejects: file } of parts)
    for await (const record of readRejects(landing, file.key)) rejects.push(placeOf(record));
  return rejects.toSorted(byPlace);
}

function countsOf(parts: readonly SortedPart[]): Judged['counts'] {
  const sum = (figure: (part: SortedPart) => number) =>
    parts.reduce((total, part) => total + figure(part), 0);
  return {
    read: sum(({ read }) => read),
    loaded: sum(({ staged }) => staged),
    rejected: sum(({ rejected }) => rejected),
    discarded: sum(({ discarded }) => discarded),
    deduplicated: sum(({ deduplicated }) => deduplicated ?? 0),
  };
}

type End = 'judged' | 'left';

/** The day is judged to its end, or not at all, so that the warehouse finds all that there is to judge. */
function expectJudgedOrLeft({ rows, parts, rejects, told, isRestarted }: Passed, of: KeyedDay): End {
  const judged = judgedOf(of);
  const end = !isRestarted && rows.length === judged.rows.length ? 'judged' : 'left';
  expect({ rows, counts: countsOf(parts), rejects }).toEqual(end === 'judged' ? judged : leftOf(of, judged));
  expect(told).toEqual(brokenOf(judged));
  return end;
}

const brokenOf = ({ rejects }: Judged) => rejects.filter(({ rule }) => rule !== 'ambiguous-key');

/** The same with all copies. */
function leftOf(of: KeyedDay, judged: Judged): Judged {
  const [rows, rejects] = [soundOf(of), brokenOf(judged)];
  const counts = { ...judged.counts, loaded: rows.length, rejected: rejects.length, deduplicated: 0 };
  return { rows, counts, rejects };
}

/** Nothing comes between rows that share a key. */
const isPlain = (of: KeyedDay) => of.ascends && soundOf(of).length === of.lines.flat().length;

/** Some blocks of a file hold one such row, or two. */
const LONG = ['x', 150_000] as const;
const NOTES: readonly Note[] = [['', 0], ['plain', 1], ['two\nlines', 1], ['a "word", and another', 1], LONG];

test.each([
  ['integer', ofInteger],
  ['bigint', ofBigint],
])(
  'copies of a key of type %s are judged on their way as the warehouse would judge them, or all left to it',
  async (_, of) => {
    const ends = { judged: 0, left: 0 };
    const days = keyedDays({ parts: 3, rows: [0, 25], notes: NOTES, from: of.from });
    await fc.assert(
      fc.asyncProperty(days, async (one) => {
        const passed = await pass(await openIntake(), of.dataset, filesOf(one));
        const end = expectJudgedOrLeft(passed, one);
        ends[end]++;
        expect(end === 'left' && isPlain(one) && one.lines.length === 1).toBe(false);
      }),
      { numRuns: 60 },
    );
    expect(ends.judged).toBeGreaterThan(10);
    expect(ends.left).toBeGreaterThan(5);
  },
);

test('wherever the blocks of a file end, rows of one key are looked at together', async () => {
  const ends = { judged: 0, left: 0 };
  const days = fc.oneof(
    ...[ofInteger, ofBigint].map(({ dataset, from }) =>
      fc.record({
        dataset: fc.constant(dataset),
        one: keyedDays({
          parts: 1,
          rows: [1, 40],
          notes: [
            ['', 0],
            ['x', 40],
            ['two\nlines', 1],
          ],
          from,
        }),
        chunk: fc.integer({ min: 1, max: 300 }),
        ahead: fc.integer({ min: 1, max: 4 }),
      }),
    ),
  );
  await fc.assert(
    fc.asyncProperty(days, async ({ dataset, one, chunk, ahead }) => {
      const sorted = await sortBlocks(dataset, filesOf(one)[0] as Buffer, chunk, ahead);
      ends[sorted ? 'judged' : 'left']++;
      const { rows, rejects, counts } = judgedOf(one);
      const { deduplicated } = counts;
      expect(sorted ?? { rows, rejects, deduplicated }).toEqual({ rows, rejects, deduplicated });
      expect(!sorted && isPlain(one)).toBe(false);
    }),
    { numRuns: 300 },
  );
  expect(ends.judged).toBeGreaterThan(50);
});

/** A file in blocks that end anywhere; undefined where some row's key is not above those of the blocks before. */
async function sortBlocks(dataset: Dataset, content: Buffer, chunk: number, ahead: number) {
  const part = {
    dataset,
    source: dataset.source as CsvSource,
    businessDate: day.businessDate,
    part: 1,
    file: 'a file',
    key: keyColumnOf(dataset),
  };
  const chunks = (async function* () {
    for (let at = 0; at < content.length; at += chunk) yield content.subarray(at, at + chunk);
  })();
  const file = { key: 'a file', bytes: content.length, sha256: '' };
  let sorter: CsvSorter | undefined;
  const sortAtHome = (block: CsvBlock) => (sorter ??= new CsvSorter(part, block.header)).sort(block);
  const home = { sort: async (block: CsvBlock) => sortAtHome(block), sortAtHome };
  const blocks = readBlocks(dataset, part.source, file, chunks, () => undefined);
  const [rows, lines]: [Buffer[], Buffer[]] = [[], []];
  let [deduplicated, last] = [0, -(2n ** 64n)];
  for await (const { keys, ...sorted } of sortInTurn(blocks, home, ahead, new AbortController().signal)) {
    if (keys && (!keys.ascend || keys.first <= last)) return undefined;
    last = keys?.last ?? last;
    rows.push(...kept(sorted.rows, keys?.copies));
    lines.push(Buffer.from(keys?.copies?.rejects ?? sorted.rejects));
    deduplicated += keys?.copies?.deduplicated ?? 0;
  }
  const rejects = Buffer.concat(lines).toString().split('\n').filter(Boolean);
  return {
    rows: valuesOf(Buffer.concat(rows)),
    rejects: rejects.map((line) => placeOf(JSON.parse(line) as RejectedRecord)),
    deduplicated,
  };
}

/** What is left of rows without these stretches. */
function kept(rows: Uint8Array, copies?: Copies): Buffer[] {
  const bounds = [0, ...(copies?.stretches.flat() ?? []), rows.length];
  return bounds.flatMap((from, index) =>
    index % 2 === 0 ? [Buffer.from(rows.subarray(from, bounds[index + 1]))] : [],
  );
}

const threads = new SortThreads(2);
afterAll(() => threads.close());

test('so they are where blocks are sorted in threads, in memory that is used again', async () => {
  const days = keyedDays({
    parts: 2,
    rows: [2_500, 2_500],
    notes: [
      ['', 0],
      ['x', 7_000],
      ['y', 6_000],
      ['z', 5_000],
    ],
    from: [-1_000n],
  });
  const ends = { judged: 0, left: 0 };
  for (const one of fc.sample(days, 5)) {
    const files = filesOf(one);
    expect(files[0]?.length).toBeGreaterThan(8 * 1024 * 1024); // it is worth threads
    const passed = await pass(await openIntake(), ofInteger.dataset, files, threads);
    ends[expectJudgedOrLeft(passed, one)]++;
  }
  expect(ends.judged + ends.left).toBe(5);
});
