import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { checkCorrected } from '../../intake/check-corrected.ts';
import { readCorrected } from '../../intake/corrected.ts';
import { correctionsTemplate } from '../../intake/corrections-template.ts';
import { extract } from '../../intake/extract.ts';
import { readManifest } from '../../intake/read-part.ts';
import { readRejects } from '../../intake/rejects.ts';
import { stagePart } from '../../intake/stage.ts';
import type { Dataset } from '../../rules/dataset.ts';
import { csv, defineDataset, integer, rest, text } from '../../rules/kit.ts';
import { MOST_CORRECTED_ROWS } from '../../rules/release.ts';
import { containing, dayOf, openIntake, refusalOf } from '../support/intake.ts';

const day = { dataset: 'notes', businessDate: dayOf('2013-02-01') };
const { signal } = new AbortController();

function notes(source: Dataset['source'] = csv({ drift: 'discard' }), words = 'words'): Dataset {
  return defineDataset({
    name: 'notes',
    about: 'Notes, for tests.',
    table: 'note',
    source,
    columns: { id: integer().orReject('no-id'), words: text().from(words), who: text().personal() },
    key: ['id'],
    write: 'replaceDay',
  });
}

const api = rest({ baseUrlFrom: 'NOTES_URL', path: '/notes' });

/** The file to start from, of a day that landed as these lines. */
async function templateOf(dataset: Dataset, content: string | Buffer): Promise<string> {
  const house = await openIntake();
  await house.put('notes/2013-02-01.csv', content);
  const landed = await extract(dataset, day, 1, house.context);
  const { rejects } = await stagePart(dataset, day, landed.manifest, 1, 1, house.context);
  const manifest = await readManifest(house.context, day, landed.manifest);
  const rejected = readRejects(house.landing, rejects.key);
  return textOf(correctionsTemplate(dataset, manifest, rejected, house.context));
}

async function textOf(lines: AsyncIterable<string>): Promise<string> {
  let whole = '';
  for await (const line of lines) whole += line;
  return whole;
}

/** Cells of the records of a corrected file. */
async function cellsOf(dataset: Dataset, content: string): Promise<unknown[]> {
  const cells: unknown[] = [];
  const file = { key: 'corrected', bytes: content.length, sha256: '' };
  for await (const batch of readCorrected(dataset, file, bytesOf(content), () => undefined)) {
    cells.push(...batch.map((record) => record.cells));
  }
  return cells;
}

const bytesOf = (content: string) => Readable.from([Buffer.from(content)]) as AsyncIterable<Buffer>;

const check = (dataset: Dataset, content: string) =>
  checkCorrected(dataset, 'mine.csv', 'notes 2013-02-01', content.length, bytesOf(content));

describe('the file to start from', () => {
  test('has each rejected record as it landed, whatever the order of the landed columns, blank where it is broken', async () => {
    const landed = 'more,who,words,id\n1,Ada,fine,7\n2,Bob,"a, ""b""\nc",x\n3,too,few\n4,Eve,,y\n';
    expect(await templateOf(notes(), landed)).toBe(
      'part,record,id,words,who\r\n1,2,x,"a, ""b""\nc",Bob\r\n1,3,,,\r\n1,4,y,,Eve\r\n',
    );
  });

  test('is UTF-8 with the delimiter of the source, also of one in Latin-1', async () => {
    const dataset = notes(csv({ delimiter: ';', encoding: 'latin1', missing: 'NA' }));
    const template = await templateOf(dataset, Buffer.from('id;words;who\nx;été;NA\n', 'latin1'));
    expect(template).toBe('part;record;id;words;who\r\n1;1;x;été;\r\n');
    expect(await cellsOf(dataset, template)).toEqual([['x', 'été', null]]);
  });

  test('calls its own columns otherwise where the source has such names', async () => {
    const dataset = notes(csv(), 'record');
    const template = await templateOf(dataset, 'id,record,who\nx,B side,\n');
    expect(template).toBe('rejected_part,rejected_record,id,record,who\r\n1,1,x,B side,\r\n');
    expect(await check(dataset, template)).toEqual([{ part: 1, record: 1, newRecord: 1 }]);
  });

  test('of an API has each record as a document, with its numbers as they came', async () => {
    const manifest = {
      ...day,
      epoch: 1,
      source: 'rest' as const,
      parts: [{ part: 1, files: [], records: 3 }],
    };
    const rejected = Readable.from([
      { part: 1, record: 4, raw: '{"id":"x","n":12345678901234567890}' },
      { part: 1, record: 5, raw: '{"id":' },
      { part: 1, record: 6, raw: '7' },
    ]) as AsyncIterable<{ part: number; record: number; raw: string }>;
    const house = await openIntake();
    const template = await textOf(correctionsTemplate(notes(api), manifest, rejected, house.context));
    expect(template.split('\n')).toEqual([
      '{"part":1,"record":4,"corrected":{"id":"x","n":12345678901234567890}}',
      '{"part":1,"record":5,"corrected":{}}',
      '{"part":1,"record":6,"corrected":{}}',
      '',
    ]);
    expect(await cellsOf(notes(api), template)).toEqual([
      ['x', null, null],
      [null, null, null],
      [null, null, null],
    ]);
  });
});

describe('a corrected file', () => {
  test('is refused by lines, without a value that may be personal', async () => {
    const error = await refusalOf(check(notes(), 'part,record,id,words,who\n1,1,1,,\n1,Ada,2,,\n1,1,3,,\n'));
    expect(error).toMatchObject({ name: 'UsageError', message: containing('2 of its rows are wrong') });
    expect(error.detail).toBe(
      'mine.csv\nline 3 does not say which part and record it stands in for\n' +
        'line 4 stands in for part 1 record 1, as line 2 does',
    );
    const header = await refusalOf(check(notes(), '1,1,1,"hello",Ada\n'));
    expect(header.message).toContain('must name part, record, id, words, who');
    expect(`${header.message}${header.detail}`).not.toContain('Ada');
  });

  test('of an API is refused where a line is no document, no object, or says nothing', async () => {
    const lines = [
      '{"part":1,"record":1,"corrected":{"id":1}}',
      'once upon a time',
      '{"part":1,"record":2,"corrected":[1]}',
      '{"part":1,"record":3,"corrected":{}}',
      '{"part":1,"record":4}',
    ];
    const error = await refusalOf(check(notes(api), lines.join('\n')));
    expect(error.detail?.split('\n').slice(1)).toEqual([
      'line 2 is not an object',
      'line 3 is not an object',
      'line 4 is left blank: fill it in, or take the line for part 1 record 3 out',
      'line 5 is not an object',
    ]);
  });

  test('R14: has a bounded number of rows', async () => {
    const lines = Array.from({ length: MOST_CORRECTED_ROWS + 1 }, (_, index) => `1,${index + 1},1,,`);
    const error = await refusalOf(check(notes(), ['part,record,id,words,who', ...lines].join('\n')));
    expect(error.message).toContain(`more than ${MOST_CORRECTED_ROWS} rows`);
  });

  test('that is compressed is none', async () => {
    const gzip = Buffer.from([0x1f, 0x8b, 8, 0]);
    const content = Readable.from([gzip]) as AsyncIterable<Buffer>;
    const error = await refusalOf(checkCorrected(notes(), 'mine.csv.gz', 'notes 2013-02-01', 4, content));
    expect(error).toMatchObject({ name: 'UsageError' });
  });
});

test('R9: a part whose records are followed is staged to the same bytes again, and the landed file stays as it is', async () => {
  const house = await openIntake();
  const content = 'id,words,who\n1,a,\nx,b,\ny,c,\n';
  await house.put('notes/2013-02-01.csv', content);
  const dataset = notes();
  const landed = await extract(dataset, day, 1, house.context);
  const before = await readManifest(house.context, day, landed.manifest);
  const list = '{"part":1,"record":3,"rule":"not-an-integer","newRecord":3}\n';
  const reconsidered = await house.landing.write('notes/2013-02-01/2/list.jsonl', bytesOf(list), signal);
  const parts = before.parts.map((part) => ({ ...part, superseded: [2], reconsidered }));
  const key = 'notes/2013-02-01/2/manifest.json';
  await house.landing.write(key, bytesOf(JSON.stringify({ ...before, epoch: 2, parts })), signal);

  const staged = await stagePart(dataset, day, key, 1, 2, house.context);
  expect(staged).toMatchObject({ read: 3, staged: 1, rejected: 1, discarded: 1 });
  expect(await stagePart(dataset, day, key, 1, 2, house.context)).toEqual(staged);
  const followed = await house.landing.readText(staged.followed?.key ?? '');
  expect(JSON.parse(followed ?? '')).toEqual({
    part: 1,
    record: 3,
    rule: 'not-an-integer',
    newPart: 1,
    newRecord: 3,
    became: 'rejected',
    becameRule: 'not-an-integer',
    place: null,
  });
  const original = before.parts[0]?.files[0]?.key ?? '';
  expect(await readFile(path.join(house.root, 'landing', original), 'utf8')).toBe(content);
});
