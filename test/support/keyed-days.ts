import fc from 'fast-check';
import { csv, defineDataset, integer, text, type Column, type Dataset } from '../../rules/kit.ts';

/** Days of a dataset whose key is one number: with copies of it, next to each other or not, and what must become of them. */
export interface KeyedDay {
  readonly lines: readonly (readonly KeyedLine[])[];
  /** None of its keys is lower than one before it. */
  readonly ascends: boolean;
}

interface KeyedLine {
  readonly key: bigint;
  readonly amount: number;
  readonly note: Note;
  readonly form: 'plain' | 'quoted' | 'no number' | 'ragged' | 'blank';
  readonly end: '\n' | '\r\n';
}

/** A text so many times; none at all where it is empty. */
export type Note = readonly [text: string, times: number];

/** A rejected record, by its place; reasons are for other tests. */
export interface Lost {
  readonly part: number;
  readonly record: number;
  readonly line: number;
  readonly rule: string;
  readonly raw: string;
}

/** A row as it must be loaded. */
export type KeyedRow = readonly [note: string | null, key: bigint, amount: number];

export interface Judged {
  readonly rows: readonly KeyedRow[];
  readonly counts: {
    read: number;
    loaded: number;
    rejected: number;
    discarded: number;
    deduplicated: number;
  };
  readonly rejects: readonly Lost[];
}

export const KEYED_HEADER = 'note,id,amount\n';

/** @param id the key, between two other columns */
export function keyedDataset(id: Column): Dataset {
  return defineDataset({
    name: 'sales',
    about: 'What was sold under which number, for tests.',
    table: 'sale',
    source: csv(),
    columns: {
      note: text({ max: 300_000 }),
      id: id.orReject('no-id'),
      amount: integer({ min: 0 }).orReject('no-amount'),
    },
    key: ['id'],
    write: 'replaceDay',
  });
}

interface Shape {
  readonly parts: number;
  /** Of a part, at least and at most. */
  readonly rows: readonly [number, number];
  readonly notes: readonly Note[];
  /** Where keys begin. */
  readonly from: readonly bigint[];
}

/** A copy says the same as the row that it is a copy of, unless it says something else. */
export function keyedDays({ parts, rows: [least, most], notes, from }: Shape): fc.Arbitrary<KeyedDay> {
  const weighed = <T>(...of: readonly [weight: number, value: T][]) =>
    fc.oneof(...of.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));
  const draft = fc.record({
    step: weighed([5, 0], [6, 1], [2, 3], [1, -1], [1, -4]),
    says: weighed([6, 0], [1, 1]),
    form: weighed<KeyedLine['form']>(
      [9, 'plain'],
      [2, 'quoted'],
      [1, 'no number'],
      [1, 'ragged'],
      [1, 'blank'],
    ),
    end: weighed<KeyedLine['end']>([5, '\n'], [1, '\r\n']),
  });
  const drafts = fc.array(fc.array(draft, { minLength: least, maxLength: most, size: 'max' }), {
    minLength: 1,
    maxLength: parts,
  });
  const ways = fc.record({
    drafts,
    ascends: weighed([3, true], [1, false]),
    first: fc.constantFrom(...from),
  });
  return ways.map(({ drafts: of, ascends, first }) => {
    let number = 0;
    const lines = of.map((part) =>
      part.map(({ step, says, form, end }): KeyedLine => {
        number += ascends ? Math.max(step, 0) : step;
        return {
          key: first + BigInt(number),
          amount: Math.abs(number % 3) + says,
          note: notes[Math.abs(number) % notes.length] ?? ['', 0],
          form,
          end,
        };
      }),
    );
    return { lines, ascends };
  });
}

/** As the source has it, without the end of its line. */
function rawOf({ key, amount, note: [text, times], form }: KeyedLine): string {
  const note = text.repeat(times);
  switch (form) {
    case 'plain':
      return /["\n,]/.test(note) ? `${quoted(note)},${key},${amount}` : `${note},${key},${amount}`;
    case 'quoted':
      return `${quoted(note)},"${key}","${amount}"`;
    case 'no number':
      return `,${key},much`;
    case 'ragged':
      return `,${key}`;
    default:
      return '';
  }
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

/** The parts as files. */
export function filesOf({ lines }: KeyedDay): Buffer[] {
  return lines.map((part) =>
    Buffer.from(KEYED_HEADER + part.map((line) => `${rawOf(line)}${line.end}`).join('')),
  );
}

interface Placed extends Omit<Lost, 'rule'> {
  readonly row: KeyedRow;
}

const BROKEN = { 'no number': 'not-an-integer', ragged: 'ragged-record' } as const;

/** A row as the dataset has it. */
function rowOf({ key, amount, note: [text, times] }: KeyedLine): KeyedRow {
  return [text.repeat(times) || null, key, amount];
}

/** Every row that is sound by itself. */
export function soundOf({ lines }: KeyedDay): KeyedRow[] {
  return lines
    .flat()
    .filter(({ form }) => form === 'plain' || form === 'quoted')
    .map(rowOf);
}

/** What a day comes to, by the rules alone: identical copies are one row, of rows that contradict each other none stays. */
export function judgedOf({ lines }: KeyedDay): Judged {
  const sound: Placed[] = [];
  const rejects: Lost[] = [];
  for (const [index, part] of lines.entries()) {
    let [record, line] = [0, 2];
    for (const one of part) {
      const raw = rawOf(one);
      const place = { part: index + 1, record: record + 1, line, raw };
      line += raw.split('\n').length;
      if (one.form === 'blank') continue;
      record++;
      if (one.form === 'no number' || one.form === 'ragged')
        rejects.push({ ...place, rule: BROKEN[one.form] });
      else sound.push({ ...place, row: rowOf(one) });
    }
  }
  const broken = rejects.length;
  const rows: KeyedRow[] = [];
  let deduplicated = 0;
  const ofKey = new Map<bigint, Placed[]>();
  for (const one of sound) ofKey.set(one.row[1], [...(ofKey.get(one.row[1]) ?? []), one]);
  for (const { row, ...place } of sound) {
    const all = ofKey.get(row[1]) ?? [];
    const contradicts = all.some(({ row: other }) => other[0] !== row[0] || other[2] !== row[2]);
    if (contradicts) rejects.push({ ...place, rule: 'ambiguous-key' });
    else if (all[0]?.row === row) rows.push(row);
    else deduplicated++;
  }
  const rejected = rejects.length;
  const counts = { read: sound.length + broken, loaded: rows.length, rejected, discarded: 0, deduplicated };
  return { rows, counts, rejects: rejects.toSorted(byPlace) };
}

export function byPlace(a: Lost, b: Lost): number {
  return a.part - b.part || a.record - b.record;
}
