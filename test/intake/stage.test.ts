import { createReadStream } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { describe, expect, inject, test } from 'vitest';
import { CopyRows } from '../../intake/copy-rows.ts';
import { extract } from '../../intake/extract.ts';
import { locateStaged } from '../../intake/locate.ts';
import type { RejectedRecord, StagedPart } from '../../intake/manifest.ts';
import { Pace } from '../../intake/pace.ts';
import { stagePart } from '../../intake/stage.ts';
import { RowEncoder } from '../../intake/row-encoder.ts';
import { openStaged } from '../../intake/staged-rows.ts';
import type { Dataset } from '../../rules/dataset.ts';
import { Ordinals } from '../../rules/ordinals.ts';
import { csv, date, defineDataset, integer, rest, text } from '../../rules/kit.ts';
import { rowsOf, textsOf } from '../support/copy.ts';
import { textDataset } from '../support/csv.ts';
import {
  containing,
  cpuMs,
  dayOf,
  type IntakeHouse,
  openIntake,
  refusalOf,
  until,
} from '../support/intake.ts';

const day = { dataset: 'notes', businessDate: dayOf('2013-02-01') };
const notes = defineDataset({
  name: 'notes',
  about: 'Notes with their day, for tests.',
  table: 'note',
  source: csv({ drift: 'discard' }),
  columns: { id: integer().orReject('no-id'), on: date().orReject(), words: text() },
  key: ['id'],
  write: 'replaceDay',
  dayOfRow: { column: 'on' },
  bounds: { recordBytes: 200 },
});

const HEADER = 'id,on,words,more\n';
const PARTS = [
  `${HEADER}1,2013-02-01,one,\n2,2013-02-02,another day,\nx,2013-02-01,\u2028no id,\n3,2013-02-01,"tab\tnew\nline\\",\n`,
  HEADER,
  `${HEADER}4,2013-02-01,,\n5,2013-02-01\n,2013-02-01,${'é'.repeat(80)},\n6,2013-02-01,\\N,\n7,2013-02-01,"\\.",\n`,
];

const partName = (index: number, of: number) =>
  `notes/2013-02-01-${String(index + 1).padStart(5, '0')}-of-${String(of).padStart(5, '0')}.csv`;

async function stageAll(house: IntakeHouse, parts: readonly string[] = PARTS, dataset: Dataset = notes) {
  for (const [index, content] of parts.entries()) await house.put(partName(index, parts.length), content);
  const landed = await extract(dataset, day, 1, house.context);
  const staged: StagedPart[] = [];
  for (let part = 1; part <= landed.parts; part++) {
    staged.push(await stagePart(dataset, day, landed.manifest, part, 1, house.context));
  }
  return { landed, staged };
}

async function textOf(stream: Readable): Promise<string> {
  return Buffer.concat((await stream.toArray()) as Buffer[]).toString();
}

describe('staging a part', () => {
  test('R4: every record is staged, rejected or discarded, and counted where it goes', async () => {
    const house = await openIntake();
    const { staged } = await stageAll(house);
    expect(
      staged.map(({ read, staged: rows, rejected, discarded }) => [read, rows, rejected, discarded]),
    ).toEqual([
      [4, 2, 1, 1],
      [0, 0, 0, 0],
      [5, 3, 2, 0],
    ]);
    expect(staged.map(({ rejectedByRule }) => rejectedByRule)).toEqual([
      { 'not-an-integer': 1 },
      {},
      { 'ragged-record': 1, 'no-id': 1 },
    ]);
    expect(staged[0]?.warnings).toEqual(['Column more is not declared and was left out']);
    expect(staged.map(({ rows }) => rows.key)).toEqual(
      [1, 2, 3].map((part) => `notes/2013-02-01/1/staged/part-0000${part}.copy`),
    );
    expect(house.told.at(-1)).toMatchObject({ rows: 5 });
  });

  test('rejected records are JSON lines with their place, column, rule, reason and text', async () => {
    const house = await openIntake();
    const { staged } = await stageAll(house);
    const lines = await Promise.all(staged.map(({ rejects }) => textOf(house.landing.read(rejects.key))));
    expect(lines[0]).not.toContain('\u2028');
    const rejects = lines
      .flatMap((file) => file.split('\n').filter(Boolean))
      .map((line) => JSON.parse(line) as RejectedRecord);
    expect(rejects).toMatchObject([
      { part: 1, record: 3, line: 4, column: 'id', rule: 'not-an-integer', raw: 'x,2013-02-01,\u2028no id,' },
      { part: 3, record: 2, line: 3, column: null, rule: 'ragged-record', raw: '5,2013-02-01' },
      { part: 3, record: 3, line: 4, column: 'id', rule: 'no-id', reason: 'is missing' },
    ]);
    expect(rejects[2]?.raw).toBe(`,2013-02-01,${'é'.repeat(80)},`);
  });

  test('R9: staged again, also for a later epoch, it gives the same bytes', async () => {
    const house = await openIntake();
    const { landed, staged } = await stageAll(house);
    const again = await stagePart(notes, day, landed.manifest, 3, 2, house.context);
    expect(again.rows).toEqual({ ...staged[2]?.rows, key: 'notes/2013-02-01/2/staged/part-00003.copy' });
    expect(again.rejects.sha256).toBe(staged[2]?.rejects.sha256);
  });

  test('a landed file that was changed is not believed, and nothing of it is staged', async () => {
    const house = await openIntake();
    await house.put('notes/2013-02-01.csv', `${HEADER}1,2013-02-01,one,\n`);
    const landed = await extract(notes, day, 1, house.context);
    await writeFile(
      path.join(house.root, 'landing/notes/2013-02-01/1/landed/part-00001.csv'),
      `${HEADER}2,2013-02-01,x,\n`,
    );
    const error = await refusalOf(stagePart(notes, day, landed.manifest, 1, 1, house.context));
    expect(error).toMatchObject({
      name: 'LandingCorrupt',
      detail: containing('part-00001.csv'),
    });
    expect(await readdir(path.join(house.root, 'landing/notes/2013-02-01/1/staged'))).toEqual([]);
  });

  test('a part, or a manifest, that is not there is named', async () => {
    const house = await openIntake();
    const { landed } = await stageAll(house);
    expect(await refusalOf(stagePart(notes, day, landed.manifest, 9, 1, house.context))).toMatchObject({
      name: 'LandingCorrupt',
    });
    expect(
      await refusalOf(stagePart(notes, day, 'notes/x/manifest.json', 1, 1, house.context)),
    ).toMatchObject({ name: 'LandingCorrupt' });
    const other = { ...day, businessDate: dayOf('2013-02-02') };
    expect(await refusalOf(stagePart(notes, other, landed.manifest, 1, 1, house.context))).toMatchObject({
      name: 'LandingCorrupt',
    });
  });
});

describe('a part of a million rows', () => {
  const rows = function* () {
    yield Buffer.from(HEADER);
    const block = Array.from({ length: 10_000 }, (_, index) =>
      `${index},2013-02-01,word ${index} "no",\n`.replaceAll('"', ''),
    ).join('');
    for (let index = 0; index < 100; index++) yield Buffer.from(block);
  };
  const put = async (house: IntakeHouse) => {
    const file = await house.put('notes/2013-02-01.csv', '');
    await writeFile(file, rows());
    return extract(notes, day, 1, house.context);
  };

  test('does not grow the memory, holds up no timer, and tells of itself every second', async () => {
    const house = await openIntake();
    const landed = await put(house);
    let [longest, last, peak] = [0, cpuMs(), 0];
    const ticks = setInterval(() => {
      longest = Math.max(longest, cpuMs() - last);
      last = cpuMs();
      peak = Math.max(peak, process.memoryUsage().rss);
    }, 5);
    const before = process.memoryUsage().rss;
    let told = 0;
    const context = { ...house.context, progress: () => void told++ };
    const started = performance.now();
    const staged = await stagePart(notes, day, landed.manifest, 1, 1, context);
    clearInterval(ticks);
    expect(staged).toMatchObject({ read: 1_000_000, staged: 1_000_000, rejected: 0 });
    expect(peak - before).toBeLessThan(200 * 1024 * 1024);
    expect(longest).toBeLessThan(250);
    expect(told).toBeGreaterThan((performance.now() - started) / 2_000);
  });

  test('aborted in the middle, ends within 100 ms of work and leaves nothing', async () => {
    const house = await openIntake();
    const landed = await put(house);
    let isReading = false;
    const read = (key: string) =>
      Readable.from(
        house.landing.read(key).map((chunk: Buffer) => {
          isReading = true;
          return chunk;
        }),
        { objectMode: false },
      );
    const context = { ...house.context, landing: { ...house.landing, read } };
    const staging = stagePart(notes, day, landed.manifest, 1, 1, context);
    staging.catch(() => undefined);
    await until(() => isReading);
    const abortedAt = cpuMs();
    house.abort.abort(new Error('told to stop'));
    await expect(staging).rejects.toThrow('told to stop');
    expect(cpuMs() - abortedAt).toBeLessThan(100);
    expect(await house.landing.list('notes/2013-02-01/1/staged')).toEqual([]);
  });
});

test('a page of many records, none of them ours, holds up no timer either', async () => {
  const house = await openIntake();
  const dataset = { ...notes, source: rest({ baseUrlFrom: 'API_URL', path: '/' }) };
  const record = '{"id":1,"on":"2013-02-02","words":"x"}';
  const content = `{"data":[${Array.from({ length: 300_000 }, () => record).join(',')}],"next_cursor":null}`;
  const file = await house.landing.write(
    'notes/2013-02-01/1/landed/page-00001.json',
    Readable.from([Buffer.from(content)]),
  );
  const manifest = {
    ...day,
    epoch: 1,
    source: 'rest',
    parts: [{ part: 1, files: [file], records: 300_000 }],
  };
  const key = 'notes/2013-02-01/1/manifest.json';
  await house.landing.write(key, Readable.from([Buffer.from(JSON.stringify(manifest))]));
  let turns = 0;
  const context = { ...house.context, progress: () => undefined };
  const landing = {
    ...house.landing,
    read: (name: string) =>
      house.landing.read(name).once('end', () => (ticks = setInterval(() => turns++, 1))),
  };
  let ticks: NodeJS.Timeout | undefined;
  const staged = await stagePart(dataset, day, key, 1, 1, { ...context, landing });
  clearInterval(ticks);
  expect(staged).toMatchObject({ read: 300_000, discarded: 300_000 });
  // Reading them takes some hundred milliseconds; not giving way would leave the last turns alone.
  expect(turns).toBeGreaterThan(4);
});

describe('staged rows as one stream', () => {
  const ROWS = [
    ['1', '2013-02-01', 'one'],
    ['3', '2013-02-01', 'tab\tnew\nline\\'],
    ['4', '2013-02-01', null],
    ['6', '2013-02-01', '\\N'],
    ['7', '2013-02-01', '\\.'],
  ];
  const encoded = (rows: typeof ROWS, dataset: Dataset = notes) => {
    const [encoder, out] = [new RowEncoder(dataset), new CopyRows(16)];
    for (const row of rows) encoder.append(row, out);
    return out.written().toString('latin1');
  };
  const read = async (stream: Readable) => (await rowsOf(stream)).toString('latin1');

  test('come in the order of the parts, however these are given', async () => {
    const house = await openIntake();
    const { staged } = await stageAll(house);
    expect(await read(openStaged(house.landing, staged.toReversed()))).toBe(encoded(ROWS));
    expect(await read(openStaged(house.landing, []))).toBe('');
  });

  test('may be left out by their place', async () => {
    const house = await openIntake();
    const { staged } = await stageAll(house);
    for (let mask = 0; mask < 32; mask++) {
      const without = new Ordinals([...ROWS.keys()].filter((at) => (mask & (1 << at)) !== 0));
      const kept = ROWS.filter((_, at) => !without.has(at));
      expect(await read(openStaged(house.landing, staged, without))).toBe(encoded(kept));
    }
  });

  test('may be left out where they are longer than what is read at a time', async () => {
    const { landing } = await openIntake();
    const long = Array.from({ length: 6 }, (_, at) => [String(at).repeat(150_000), null]);
    const dataset = textDataset(['a', 'b']);
    const content = Buffer.from(encoded(long, dataset), 'latin1');
    const rows = await landing.write('d/rows', Readable.from([content]));
    const counts = { read: 6, staged: 6, rejected: 0, discarded: 0, rejectedByRule: {}, warnings: [] };
    const part = { part: 1, rows, rejects: rows, ...counts };
    const kept = await rowsOf(openStaged(landing, [part], new Ordinals([1, 3, 4])));
    expect(textsOf(kept)).toEqual([long[0], long[2], long[5]]);
  });

  test('are found again in what landed', async () => {
    const house = await openIntake();
    const { landed, staged } = await stageAll(house);
    const find = (sought: readonly number[]) => {
      const pace = new Pace(house.context.signal);
      return locateStaged(notes, day, landed.manifest, staged, new Ordinals(sought), house.context, pace);
    };
    const values = (id: string, words: string | null) => [id, '2013-02-01', words];
    expect(await Readable.from(find([4, 0, 1, 2])).toArray()).toEqual([
      { ordinal: 0, part: 1, record: 1, line: 2, raw: '1,2013-02-01,one,', values: values('1', 'one') },
      {
        ordinal: 1,
        part: 1,
        record: 4,
        line: 5,
        raw: '3,2013-02-01,"tab\tnew\nline\\",',
        values: values('3', 'tab\tnew\nline\\'),
      },
      { ordinal: 2, part: 3, record: 1, line: 2, raw: '4,2013-02-01,,', values: values('4', null) },
      { ordinal: 4, part: 3, record: 5, line: 6, raw: '7,2013-02-01,"\\.",', values: values('7', '\\.') },
    ]);
    expect(await refusalOf(Readable.from(find([5])).toArray())).toMatchObject({ name: 'LandingCorrupt' });
  });
});

describe('COPY', () => {
  test('what was staged from a file is what PostgreSQL has', async () => {
    const house = await openIntake();
    const { staged } = await stageAll(house);
    const client = new pg.Client({ connectionString: inject('databaseUrl') });
    await client.connect();
    try {
      await client.query('create temporary table note (id integer, "on" date, words text)');
      const copy = client.query(copyFrom('copy note from stdin (format binary)'));
      await pipeline(openStaged(house.landing, staged, new Ordinals([0])), copy);
      expect(copy.rowCount).toBe(4);
      const { rows } = await client.query<{ words: string }>(
        `select words from note where "on" = '2013-02-01' order by id`,
      );
      expect(rows.map(({ words }) => words)).toEqual(['tab\tnew\nline\\', null, '\\N', '\\.']);
    } finally {
      await client.end();
    }
  });
});

test('the landed file is byte for byte the one that was sent', async () => {
  const house = await openIntake();
  const sent = await house.put('notes/2013-02-01.csv', Buffer.from([0xff, 0xfe, 0, 13, 10, 34]));
  await extract(notes, day, 1, house.context);
  const [here, there] = await Promise.all([
    createReadStream(sent).toArray(),
    house.landing.read('notes/2013-02-01/1/landed/part-00001.csv').toArray(),
  ]);
  expect(Buffer.concat(there as Buffer[])).toEqual(Buffer.concat(here as Buffer[]));
});
