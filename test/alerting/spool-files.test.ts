import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { MOST_SPOOLED, Spool, type Spooled } from '../../alerting/alarm/spool.ts';
import { checkSpool } from '../../cli/doctor/spool.ts';

let home: string;
let folder: string;
let spool: Spool;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'nighttrain-spool-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  folder = join(home, 'spool');
  await mkdir(folder);
  spool = new Spool(folder);
});

const found = (): Spooled => ({
  occurrence: randomUUID(),
  foundAt: '2024-02-03T02:00:00.000Z',
  finding: { rule: 'disk-full', dataset: null, businessDate: null, sentence: 'The disk is full' },
});
const files = () => readdir(folder);

async function aged(name: string, hours: number): Promise<void> {
  await writeFile(join(folder, name), '');
  const at = Date.now() / 1000 - hours * 3_600;
  await utimes(join(folder, name), at, at);
}

test('a process that lives long keeps findings as soon as others have taken over what waited', async () => {
  for (let number = 0; number < MOST_SPOOLED; number++) await writeFile(join(folder, `${number}.json`), '');
  await expect(spool.keep(found())).rejects.toThrow(/findings wait/);
  await rm(folder, { recursive: true }); // a worker took all of it over
  await spool.keep(found());
  expect(await files()).toHaveLength(1);
});

test('what is known of a finding later takes the place of the finding; each word on it waits', async () => {
  const one = found();
  await spool.keep(one);
  await spool.keep({ ...one, seen: { by: 'ada', at: '2024-02-03T02:05:00.000Z' } });
  expect(await files()).toEqual([`${one.occurrence}-seen.json`]);
  expect(await spool.waits(one.occurrence)).toBe(true);
  await spool.keep({ ...one, overAt: '2024-02-03T02:10:00.000Z' });
  expect((await files()).toSorted()).toEqual([`${one.occurrence}-over.json`, `${one.occurrence}-seen.json`]);
  for (const file of await spool.waiting()) await spool.drop(file);
  expect(await spool.waits(one.occurrence)).toBe(false);
});

test('what a crash left half written is removed after a day, and not before', async () => {
  await aged('yesterday.json.17.x~', 25);
  await aged('now.json.18.x~', 1);
  expect(await spool.waiting()).toEqual([]);
  expect(await files()).toEqual(['now.json.18.x~']);
});

test('doctor says what waits and is not taken over, and which files nobody can', async () => {
  expect(await checkSpool({ home })).toEqual([{ check: 'spool', level: 'ok', found: '0 findings wait' }]);
  await spool.keep(found());
  expect(await checkSpool({ home })).toMatchObject([{ level: 'ok', found: '1 finding waits' }]);
  await aged('old.json', 1);
  await aged('cut-short.json.broken', 1);
  expect(await checkSpool({ home })).toMatchObject([
    { level: 'warn', found: `2 findings wait in ${folder}, for 60 min: nobody takes them over` },
    { level: 'warn', found: '1 of its files could not be taken over: cut-short.json.broken' },
  ]);
});

test('a home without a spool has nothing that waits', async () => {
  await rm(folder, { recursive: true });
  expect(await checkSpool({ home })).toMatchObject([{ level: 'ok' }]);
});
