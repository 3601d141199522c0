import { once } from 'node:events';
import { appendFile, open } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { extract } from '../../intake/extract.ts';
import type { Manifest } from '../../intake/manifest.ts';
import type { LandingStore } from '../../intake/landing.ts';
import { personDataset } from '../support/csv.ts';
import { containing, dayOf, type IntakeHouse, matching, openIntake, refusalOf } from '../support/intake.ts';

const day = { dataset: 'people', businessDate: dayOf('2013-02-01') };
const people = personDataset();
const HEADER = 'id,name,age\n';
const part = (number: number, of: number, end = '') =>
  `people/2013-02-01-${String(number).padStart(5, '0')}-of-${String(of).padStart(5, '0')}.csv${end}`;

async function fill({ put }: IntakeHouse, files: Readonly<Record<string, string | Uint8Array>>) {
  for (const [name, content] of Object.entries(files)) await put(name, content);
}

describe('the inbox', () => {
  test('a single file lands as it came, with a manifest', async () => {
    const house = await openIntake();
    await fill(house, { 'people/2013-02-01.csv': `${HEADER}1,Ann,30\n`, 'people/2013-02-02.csv': HEADER });
    const landed = await extract(people, day, 3, house.context);
    const key = 'people/2013-02-01/3/manifest.json';
    expect(landed).toEqual({ manifest: key, parts: 1, bytes: 21, records: null });
    const file = 'people/2013-02-01/3/landed/part-00001.csv';
    expect(await house.landing.list('people')).toEqual([file, key]);
    expect(await house.landing.readText(file)).toBe(`${HEADER}1,Ann,30\n`);
    const manifest = JSON.parse((await house.landing.readText(key)) ?? '') as Manifest;
    expect(manifest).toMatchObject({ ...day, epoch: 3, source: 'csv', parts: [{ part: 1, records: null }] });
    expect(house.told.at(-1)?.bytes).toBe(21);
  });

  test('all parts land in their order, packed or not', async () => {
    const house = await openIntake();
    const third = gzipSync(`${HEADER}3,Cid,50\n`);
    await fill(house, {
      [part(2, 3)]: `${HEADER}2,B,4\n`,
      [part(1, 3)]: `${HEADER}1,A,3\n`,
      [part(3, 3, '.gz')]: third,
    });
    expect(await extract(people, day, 1, house.context)).toMatchObject({ parts: 3 });
    const keys = await house.landing.list('people/2013-02-01/1/landed');
    expect(keys.map((key) => key.split('/').at(-1))).toEqual([
      'part-00001.csv',
      'part-00002.csv',
      'part-00003.csv.gz',
    ]);
    expect(await house.landing.readText(keys[0] ?? '')).toContain('1,A,3');
  });

  test('R9: an epoch that has landed is not landed again', async () => {
    const house = await openIntake();
    await fill(house, { 'people/2013-02-01.csv': `${HEADER}1,Ann,30\n` });
    const first = await extract(people, day, 1, house.context);
    await fill(house, { 'people/2013-02-01.csv': `${HEADER}1,Ann,31\n2,Bob,40\n` });
    expect(await extract(people, day, 1, house.context)).toEqual(first);
    expect((await extract(people, day, 2, house.context)).bytes).toBe(30);
  });

  test.each([
    ['nothing there', {}, 'SourceNotReady', /no file for people of 2013-02-01/],
    ['a file of another day', { 'people/2013-02-02.csv': HEADER }, 'SourceNotReady', /no file/],
    ['a file named otherwise', { 'people/2013-02-01.csv.tmp': HEADER }, 'SourceNotReady', /no file/],
    [
      'a part missing',
      { [part(1, 3)]: HEADER, [part(3, 3)]: HEADER },
      'SourceNotReady',
      /1 of 3 parts are missing/,
    ],
    [
      'a file and parts',
      { 'people/2013-02-01.csv': HEADER, [part(1, 1)]: HEADER },
      'SourceContractBroken',
      /as a single file and in parts/,
    ],
    [
      'plain and packed',
      { 'people/2013-02-01.csv': HEADER, 'people/2013-02-01.csv.gz': HEADER },
      'SourceContractBroken',
      /plain and compressed/,
    ],
    [
      'a part plain and packed',
      { [part(1, 1)]: HEADER, [part(1, 1, '.gz')]: HEADER },
      'SourceContractBroken',
      /plain and compressed/,
    ],
    [
      'two numbers of parts',
      { [part(1, 1)]: HEADER, [part(1, 2)]: HEADER },
      'SourceContractBroken',
      /different numbers/,
    ],
    [
      'a part too many',
      { [part(1, 1)]: HEADER, [part(2, 1)]: HEADER },
      'SourceContractBroken',
      /beyond their number/,
    ],
    [
      'part zero',
      { [part(0, 1)]: HEADER, [part(1, 1)]: HEADER },
      'SourceContractBroken',
      /beyond their number/,
    ],
    ['endless parts', { [part(1, 99_999)]: HEADER }, 'LimitExceeded', /more than 1000 parts/],
    [
      'a part sent twice',
      { [part(1, 2)]: `${HEADER}1,A,3\n`, [part(2, 2)]: `${HEADER}1,A,3\n` },
      'SourceBroken',
      /hold the same records/,
    ],
    ['a folder', { 'people/2013-02-01.csv/x': '' }, 'SourceContractBroken', /is none/],
  ] as const)('%s is named, and nothing counts as landed', async (_what, files, name, message) => {
    const house = await openIntake();
    await fill(house, files);
    const error = await refusalOf(extract(people, day, 1, house.context));
    expect(error).toMatchObject({ name, message: matching(message) });
    expect(error.detail).toContain('people');
    expect(await house.landing.readText('people/2013-02-01/1/manifest.json')).toBeUndefined();
  });

  test('the missing parts and the place for them are named', async () => {
    const house = await openIntake();
    await fill(house, { [part(1, 3)]: HEADER });
    const error = await refusalOf(extract(people, day, 1, house.context));
    expect(error.detail).toContain('2013-02-01-00002-of-00003.csv, 2013-02-01-00003-of-00003.csv');
    const none = await refusalOf(extract(people, day, 1, { ...house.context, inbox: '/nowhere' }));
    expect(none.hint).toContain('/nowhere/people/2013-02-01.csv');
  });

  test('parts with nothing but a header may be alike', async () => {
    const house = await openIntake();
    await fill(house, { [part(1, 2)]: HEADER, [part(2, 2)]: HEADER });
    expect(await extract(people, day, 1, house.context)).toMatchObject({ parts: 2 });
  });

  test('a file over the bound is refused before it is copied', async () => {
    const house = await openIntake();
    await fill(house, { 'people/2013-02-01.csv': 'x'.repeat(1_001) });
    const error = await refusalOf(extract(personDataset({}, { fileBytes: 1_000 }), day, 1, house.context));
    expect(error).toMatchObject({ name: 'LimitExceeded', detail: containing('1001 bytes') });
    expect(await house.landing.list('people')).toEqual([]);
  });
});

describe('a file still being written', () => {
  /** A landing store that does something to the source once it has taken the first bytes of a copy. */
  const meddled = (landing: LandingStore, meddle: () => Promise<void>): LandingStore => ({
    ...landing,
    write: (key, content, signal) => {
      const slowly = async function* () {
        for await (const chunk of content) {
          yield chunk;
          await meddle();
        }
      };
      return landing.write(key, slowly(), signal);
    },
  });

  test.each([
    ['grows', (file: string) => appendFile(file, '2,Bob,40\n')],
    [
      'is changed in place',
      async (file: string) => {
        const handle = await open(file, 'r+');
        await handle.write('X', 0);
        await handle.utimes(new Date(), new Date(Date.now() + 5_000));
        await handle.close();
      },
    ],
    [
      'shrinks',
      async (file: string) => {
        const handle = await open(file, 'r+');
        await handle.truncate(3);
        await handle.close();
      },
    ],
  ])('it %s while it is copied: not ready, try again', async (_how, change) => {
    const house = await openIntake();
    const file = await house.put('people/2013-02-01.csv', `${HEADER}1,Ann,30\n`.repeat(50_000));
    let times = 0;
    const landing = meddled(house.landing, async () => void (times++ === 0 && (await change(file))));
    const error = await refusalOf(extract(people, day, 1, { ...house.context, landing }));
    expect(error).toMatchObject({ name: 'SourceNotReady', retryable: true });
    expect(await house.landing.readText('people/2013-02-01/1/manifest.json')).toBeUndefined();
  });

  test('whoever writes faster than we read does not keep us reading', async () => {
    const house = await openIntake();
    const file = await house.put('people/2013-02-01.csv', 'x'.repeat(1_000_000));
    const landing = meddled(house.landing, () => appendFile(file, 'x'.repeat(1_000_000)));
    const error = await refusalOf(extract(people, day, 1, { ...house.context, landing }));
    expect(error).toMatchObject({ name: 'SourceNotReady' });
    expect(await house.landing.list('people')).toEqual([]);
  });

  test('aborted, the copy ends at once and leaves nothing', async () => {
    const house = await openIntake();
    await house.put('people/2013-02-01.csv', Buffer.alloc(2_000_000, 'x'));
    let abortedAt = 0;
    const landing = meddled(house.landing, async () => {
      setTimeout(() => {
        abortedAt = performance.now();
        house.abort.abort(new Error('told to stop'));
      }, 0);
      await once(house.abort.signal, 'abort');
      await nextTurn();
    });
    await expect(extract(people, day, 1, { ...house.context, landing })).rejects.toThrow('told to stop');
    expect(performance.now() - abortedAt).toBeLessThan(1_000);
    expect(await house.landing.list('people')).toEqual([]);
  });
});
