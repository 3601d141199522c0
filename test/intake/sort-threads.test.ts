import { writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { extract } from '../../intake/extract.ts';
import type { Landed, StagedPart } from '../../intake/manifest.ts';
import { SortThreads } from '../../intake/sort-threads.ts';
import { stagePart } from '../../intake/stage.ts';
import { csv, date, decimal, defineDataset, integer, oneOf, text } from '../../rules/kit.ts';
import { containing, dayOf, type IntakeHouse, openIntake, refusalOf, until } from '../support/intake.ts';

const day = { dataset: 'sales', businessDate: dayOf('2024-03-15') };
const sales = defineDataset({
  name: 'sales',
  about: 'What was sold, for tests.',
  table: 'sale',
  source: csv({ endsLastLine: true }),
  columns: {
    id: integer().orReject('no-id'),
    on: date().orReject('no-day'),
    shop: oneOf('Liège', 'Namur').orReject('no-shop'),
    price: decimal({ precision: 8, scale: 2 }),
    note: text({ like: /[^<]*/ }),
  },
  key: ['id'],
  write: 'replaceDay',
  dayOfRow: { column: 'on' },
});

/** The same, but for a pattern that never comes to its end with `ENDLESS`. */
const patient = { ...sales, columns: { ...sales.columns, note: text({ like: /(\w+)+|.*\s.*/ }) } };
const ENDLESS = `${'a'.repeat(40)}!`;

const ROWS = 400_000; // beyond what is sorted without threads
const HEADER = 'id,on,shop,price,note\n';
const odd = (id: number) =>
  [
    `${id},2024-03-15,Liège,"1.50","two\nlines"`,
    `${id},2024-03-16,Namur,1,`,
    `${id},2024-03-15,Nice,1,`,
    `${id}`,
  ][id % 4] as string;
const content = [
  HEADER,
  ...Array.from({ length: ROWS }, (_, id) =>
    id % 50 === 0
      ? `${odd(id / 50)}\n`
      : `${id},2024-03-15,${id % 2 ? 'Liège' : 'Namur'},${id % 997}.25,plain\n`,
  ),
].join('');

const threads = new SortThreads(2);
afterAll(() => threads.close());

async function land(house: IntakeHouse, of = content): Promise<Landed> {
  await writeFile(await house.put('sales/2024-03-15.csv', ''), of);
  return extract(sales, day, 1, house.context);
}

test('R9: a large file that is sorted in threads gives the same bytes as one that is sorted at home', async () => {
  const house = await openIntake();
  const { manifest } = await land(house);
  const home = await stagePart(sales, day, manifest, 1, 1, house.context);
  const away = await stagePart(sales, day, manifest, 1, 1, { ...house.context, threads });
  expect(away).toEqual(home);
  expect(away).toMatchObject({ read: ROWS, staged: ROWS - 6_000, discarded: 2_000, rejected: 4_000 });
});

/** Knows how many files it was given. */
class Counted extends SortThreads {
  files = 0;
  override sort(...of: Parameters<SortThreads['sort']>) {
    this.files++;
    return super.sort(...of);
  }
}

test('a packed file is sorted in threads where it is large once it is unpacked', async () => {
  const house = await openIntake();
  const packed = gzipSync(content);
  expect(packed.length).toBeLessThan(8 * 1024 * 1024);
  await house.put('sales/2024-03-15.csv.gz', packed);
  const { manifest } = await extract(sales, day, 1, house.context);
  const counted = new Counted(2);
  const staged = await stagePart(sales, day, manifest, 1, 1, { ...house.context, threads: counted });
  expect(staged).toMatchObject({ read: ROWS, rejected: 4_000 });
  expect(counted.files).toBe(1);
  await counted.close();
});

test('what breaks in a thread has the name that it has at home, and leaves nothing', async () => {
  const house = await openIntake();
  const { manifest } = await land(house, content.slice(0, -3));
  const error = await refusalOf(stagePart(sales, day, manifest, 1, 1, { ...house.context, threads }));
  expect(error).toMatchObject({ name: 'SourceBroken', detail: containing('its line has no end') });
  expect(await house.landing.list('sales/2024-03-15/1/staged')).toEqual([]);
});

test('an abort ends the sorting in threads as well', async () => {
  const house = await openIntake();
  const { manifest } = await land(house);
  let isBegun = false;
  const landing = {
    ...house.landing,
    async *lend(key: string) {
      for await (const chunk of house.landing.lend(key)) {
        isBegun = true;
        yield chunk;
      }
    },
  };
  const staging = stagePart(sales, day, manifest, 1, 1, { ...house.context, landing, threads });
  staging.catch(() => undefined);
  await until(() => isBegun);
  house.abort.abort(new Error('told to stop'));
  await expect(staging).rejects.toThrow('told to stop');
  expect(await house.landing.list('sales/2024-03-15/1/staged')).toEqual([]);
});

/** Stages until nothing is left but to wait for a thread that will never answer. */
async function getStuck(house: IntakeHouse, away: SortThreads): Promise<{ staging: Promise<StagedPart> }> {
  const { manifest } = await land(house, `${content}${ROWS},2024-03-15,Namur,1,${ENDLESS}\n`);
  const staging = stagePart(patient, day, manifest, 1, 1, { ...house.context, threads: away });
  staging.catch(() => undefined);
  await until(() => house.told.some(({ rows }) => rows > ROWS - 20_000), 30_000); // all is read, two blocks are left
  return { staging };
}

test('R13: an abort ends a thread whose pattern never comes to its end', async () => {
  const house = await openIntake();
  const { staging } = await getStuck(house, threads);
  house.abort.abort(new Error('told to stop'));
  await expect(staging).rejects.toThrow('told to stop');
  expect(await house.landing.list('sales/2024-03-15/1/staged')).toEqual([]);
});

test('a file that waits for a thread which another one keeps is sorted by the next thread', async () => {
  const [stuck, house] = [await openIntake(), await openIntake()];
  const only = new SortThreads(1);
  const { staging } = await getStuck(stuck, only);
  const { manifest } = await land(house);
  const waiting = stagePart(sales, day, manifest, 1, 1, { ...house.context, threads: only });
  await until(() => house.told.some(({ bytes }) => bytes > 0));
  stuck.abort.abort(new Error('told to stop'));
  await expect(staging).rejects.toThrow('told to stop');
  expect(await waiting).toMatchObject({ read: ROWS, rejected: 4_000 });
  await only.close();
});

test('a file whose threads are ended on the way is sorted by others', async () => {
  const house = await openIntake();
  const { manifest } = await land(house);
  const mortal = new SortThreads(2);
  let chunks = 0;
  const landing = {
    ...house.landing,
    async *lend(key: string) {
      for await (const chunk of house.landing.lend(key)) {
        if (++chunks === 20) void mortal.close();
        yield chunk;
      }
    },
  };
  const staged = await stagePart(sales, day, manifest, 1, 1, { ...house.context, landing, threads: mortal });
  expect(staged).toMatchObject({ read: ROWS, rejected: 4_000 });
  expect(chunks).toBeGreaterThan(20);
  await mortal.close();
});

const lonely = defineDataset({
  name: 'sales',
  about: 'One column, for tests.',
  table: 'sale',
  source: csv(),
  columns: { id: integer().orReject('no-id') },
  key: ['id'],
  write: 'replaceDay',
});

test('R14: empty lines that are records each are rejected line by line in the memory of a thread', async () => {
  const house = await openIntake();
  const [good, empty] = [900_000, 270_000]; // more than a block of empty lines, in a file that is worth threads
  const { manifest } = await land(house, `id\n${'123456789\n'.repeat(good)}${'\n'.repeat(empty)}`);
  const staged = await stagePart(lonely, day, manifest, 1, 1, { ...house.context, threads });
  expect(staged).toMatchObject({ read: good + empty, staged: good, rejected: empty });
});

test('R14: lines behind a broken quote are rejected each, however many a record has room for', async () => {
  const house = await openIntake();
  const [good, broken] = [900_000, 900_000];
  const { manifest } = await land(house, `id\n${'123456789\n'.repeat(good)}"${'\n'.repeat(broken)}`);
  const staged = await stagePart(lonely, day, manifest, 1, 1, { ...house.context, threads });
  expect(staged).toMatchObject({
    staged: good,
    rejected: broken,
    rejectedByRule: { 'broken-quote': broken },
  });
});

test('R14: records that may be longer than a thread has room for are sorted at home', async () => {
  const house = await openIntake();
  const wide = { ...lonely, bounds: { ...lonely.bounds, recordBytes: 30 * 1024 * 1024 } };
  const { manifest } = await land(house, `id\n${'\u0001'.repeat(14 * 1024 * 1024)}\n`);
  const counted = new Counted(2);
  const staged = await stagePart(wide, day, manifest, 1, 1, { ...house.context, threads: counted });
  expect(staged).toMatchObject({ read: 1, rejected: 1 });
  expect(counted.files).toBe(0);
});
