import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Dataset } from '../../rules/dataset.ts';
import { integer } from '../../rules/kit.ts';
import { isLandingWanted } from '../../warehouse/retention.ts';
import { clients, fares } from '../support/datasets.ts';
import { endingOf } from '../support/ending.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse, shareHouse, type House } from '../support/house.ts';
import { dayOf } from '../support/intake.ts';
import { askForRelease, carryOut, keptRelease, waysOf } from '../support/release.ts';

const house = shareHouse();

/** A night of `fares`: five sound rows, three without a number, two of another day; refused. */
async function refusedNight(day: string, here: House = house()): Promise<void> {
  await here.put('fares', `${day}.csv`, fareLines(day, { good: 5, bad: 3, otherDay: 2 }));
  expect(await here.run('fares', day)).toMatchObject({ error: { name: 'Refused' } });
}

const HEADER = 'part,record,day,receipt,amount,note';

test('after its rule was mended the rejected rows of a refused night are loaded, and it is known which', async () => {
  const mended: Dataset = {
    ...fares,
    columns: { ...fares.columns, amount: integer().orReject('no-amount') },
  };
  await using here = await openHouse();
  const strict = await here.startWorker();
  const day = '2024-05-01';
  const lines = fareLines(day, { good: 6 });
  const refunds = [71, 72, 73].map((receipt) => `${day},${receipt},-5,`);
  await here.put('fares', `${day}.csv`, [...lines, ...refunds, `${day},74,much,`]);
  await here.run('fares', day);
  await strict.stop();
  await here.startWorker((deps) => ({
    ...deps,
    datasets: new Map([...deps.datasets, ['fares', mended]]),
  }));

  const release = await keptRelease(here, mended, day);
  await carryOut(here, release);
  expect((await here.attempts('fares', day)).at(-1)).toMatchObject({
    state: 'loaded',
    read: 10,
    loaded: 9,
    rejected: 1,
    discarded: 0,
  });
  expect(await waysOf(here, release)).toEqual([
    '1/7 out-of-range → 1/7 staged',
    '1/8 out-of-range → 1/8 staged',
    '1/9 out-of-range → 1/9 staged',
    '1/10 not-an-integer → 1/10 rejected not-an-integer',
  ]);
});

test('R4: corrected rows stand in for rejected ones, which are discarded; each is counted where it goes', async () => {
  const day = '2024-05-02';
  await refusedNight(day);
  const original = join(house().folder, `landing/fares/${day}/1/landed/part-00001.csv`);
  const before = await sha256Of(original);

  const release = await keptRelease(house(), fares, day, [
    HEADER,
    `1,7,${day},7,100,`,
    `1,6,${day},6,much,`,
    `1,8,1999-12-31,8,100,`,
  ]);
  await carryOut(house(), release);

  const last = (await house().attempts('fares', day)).at(-1);
  expect(last).toMatchObject({ state: 'loaded', read: 13, loaded: 6, rejected: 1, discarded: 6 });
  expect(await waysOf(house(), release)).toEqual([
    '1/6 not-an-integer → 2/2 rejected not-an-integer',
    '1/7 not-an-integer → 2/1 staged',
    '1/8 not-an-integer → 2/3 discarded',
  ]);
  expect(await sha256Of(original)).toBe(before);
  expect(await sha256Of(join(house().folder, 'landing', release.file?.key ?? ''))).toBe(release.file?.sha256);
});

test('what a correction left rejected is corrected again, and a replay from landing keeps all corrections', async () => {
  const day = '2024-05-03';
  await refusedNight(day);
  const first = [HEADER, `1,6,${day},6,100,`, `1,7,${day},7,many,`];
  await carryOut(house(), await keptRelease(house(), fares, day, first));
  const second = [HEADER, `2,2,${day},7,100,`, `1,8,${day},8,100,`];
  const again = await keptRelease(house(), fares, day, second);
  await carryOut(house(), again);
  expect(await waysOf(house(), again)).toEqual([
    '1/8 not-an-integer → 3/2 staged',
    '2/2 not-an-integer → 3/1 staged',
  ]);

  const loaded = { state: 'loaded', read: 14, loaded: 8, rejected: 0, discarded: 6 };
  expect((await house().attempts('fares', day)).at(-1)).toMatchObject(loaded);
  const payload = house().replayPayload('fares', day, { requestId: 'landing-0503', input: 'landing' });
  await house().signal('replayDay', payload);
  const { answer } = await house().answerTo('landing-0503');
  await endingOf(house().load('fares', day, answer.split(' run ')[1]));
  expect((await house().attempts('fares', day)).at(-1)).toMatchObject(loaded);
  const contents = await house().ask<{ sha: string }>(
    `select content_sha256 as sha from nighttrain.load_batch where dataset = 'fares' and business_date = $1
     order by epoch desc limit 2`,
    [day],
  );
  expect(contents[0]).toEqual(contents[1]); // R9
});

test('what SQL says of a corrected row is known as well: a copy, and a contradiction', async () => {
  const day = '2024-05-04';
  await refusedNight(day);
  const release = await keptRelease(house(), fares, day, [
    HEADER,
    `1,6,${day},1,100,`, // what record 1 says
    `1,7,${day},2,7,`, // not what record 2 says
  ]);
  await carryOut(house(), release);
  expect(await waysOf(house(), release)).toEqual([
    '1/6 not-an-integer → 2/1 deduplicated',
    '1/7 not-an-integer → 2/2 rejected ambiguous-key',
    '1/8 not-an-integer → 1/8 rejected not-an-integer',
  ]);
  const listed = await readFile(join(house().folder, `landing/fares/${day}`, '3', 'released.jsonl'), 'utf8');
  expect(listed.trimEnd().split('\n')).toHaveLength(3);
});

test('R5: a place that SQL rejects is found behind a record that another stands in for', async () => {
  const day = '2024-05-12';
  const sound = fareLines(day, { good: 6 });
  await house().put('fares', `${day}.csv`, [
    ...sound,
    `${day},9,1,`,
    `${day},9,2,`,
    `${day},8,1,`,
    `${day},8,2,`,
  ]);
  await house().run('fares', day);
  const release = await keptRelease(house(), fares, day, [HEADER, `1,7,${day},7,1,`]);
  await carryOut(house(), release);
  expect(await waysOf(house(), release)).toEqual([
    '1/7 ambiguous-key → 2/1 staged',
    '1/8 ambiguous-key → 1/8 staged',
    '1/9 ambiguous-key → 1/9 rejected ambiguous-key',
    '1/10 ambiguous-key → 1/10 rejected ambiguous-key',
  ]);
  const raws = (await house().quarantine('fares', day)).slice(-2).map(({ raw }) => raw);
  expect(raws).toEqual([`${day},8,1,`, `${day},8,2,`]);
});

test('records of an API are corrected as documents, one a line', async () => {
  const day = '2024-03-06';
  const days = [{ date: day, movements: 400, unknownStations: 3 }];
  await using railway = await openHouse({ freightApi: { days } });
  await railway.startWorker();
  await railway.run('stations', day);
  await railway.run('freight-movements', day);
  const movements = railway.datasets.get('freight-movements') as Dataset;
  const corrected = (await railway.quarantine('freight-movements', day))
    .slice(0, 2)
    .map(({ raw, record }) => {
      const movement = JSON.parse(raw as string) as Record<string, unknown>;
      return { part: 1, record, corrected: { ...movement, destination: movement['origin'] } };
    });
  const release = await keptRelease(
    railway,
    movements,
    day,
    corrected.map((line) => JSON.stringify(line)),
  );
  await carryOut(railway, release);
  expect(await waysOf(railway, release)).toEqual([
    '1/1 unknown-reference → 2/1 staged',
    '1/2 unknown-reference → 2/2 staged',
    '1/3 unknown-reference → 1/3 rejected unknown-reference',
  ]);
});

test('under merge a corrected row that is older than what the table has is discarded', async () => {
  await house().put('clients', '2024-05-10.csv', ['id,name,city', '1,Mbarga,Douala']);
  await house().run('clients', '2024-05-10');
  await house().put('clients', '2024-05-09.csv', [
    'id,name,city',
    'x,Mbarga,Yaoundé',
    'y,Ngono,Edéa',
    '3,Biya,',
  ]);
  await house().run('clients', '2024-05-09');
  const release = await keptRelease(house(), clients, '2024-05-09', [
    'part,record,id,name,city',
    '1,1,1,Mbarga,Yaoundé',
    '1,2,2,Ngono,Edéa',
  ]);
  await carryOut(house(), release);
  expect(await waysOf(house(), release)).toEqual([
    '1/1 not-an-integer → 2/1 discarded',
    '1/2 not-an-integer → 2/2 staged',
  ]);
});

test('R9: the same release asked for again loads nothing and is told so', async () => {
  const day = '2024-05-05';
  await refusedNight(day);
  const release = await keptRelease(house(), fares, day, [HEADER, `1,6,${day},6,100,`, `1,7,${day},7,100,`]);
  await carryOut(house(), release);
  const attempts = await house().attempts('fares', day);
  expect(await askForRelease(house(), release, 'again-0505')).toMatchObject({
    state: 'refused',
    answer: expect.stringContaining('was carried out before') as unknown,
  });
  expect(await house().attempts('fares', day)).toEqual(attempts);
});

test('a release of rows that no longer count is refused: the day was loaded anew since', async () => {
  const day = '2024-05-06';
  await refusedNight(day);
  const release = await keptRelease(house(), fares, day);
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 8 }));
  await house().replay('fares', day);
  expect(await askForRelease(house(), release)).toMatchObject({
    state: 'refused',
    answer: expect.stringMatching(/is of epoch 1, and epoch \d+ was loaded since/) as unknown,
  });
});

test('a release that is cancelled at COMMIT writes nothing; what landed for it is replayed, and its rows followed', async () => {
  const day = '2024-05-07';
  await refusedNight(day);
  const release = await keptRelease(house(), fares, day, [HEADER, `1,6,${day},6,100,`, `1,7,${day},7,100,`]);
  const held = house().wire.hold('COMMIT');
  const { answer } = await askForRelease(house(), release);
  await held;
  const load = house().load('fares', day, answer.split(' run ')[1]);
  await load.cancel();
  await endingOf(load);
  expect((await house().attempts('fares', day)).at(-1)).toMatchObject({ state: 'cancelled' });

  await house().signal(
    'replayDay',
    house().replayPayload('fares', day, { requestId: 'landing-0507', input: 'landing' }),
  );
  const replayed = await house().answerTo('landing-0507');
  await endingOf(house().load('fares', day, replayed.answer.split(' run ')[1]));
  const [bound] = await house().ask<{ state: string; rows: number }>(
    `select a.state, (select count(*) from nighttrain.quarantine_release_row w where w.release_id = r.release_id) as rows
     from nighttrain.quarantine_release r join nighttrain.attempt a using (dataset, business_date, epoch)
     where release_id = $1`,
    [release.releaseId],
  );
  expect(bound).toEqual({ state: 'loaded', rows: 3 });
  expect((await house().attempts('fares', day)).at(-1)).toMatchObject({ loaded: 7, rejected: 1, read: 12 });
});

test('R5: a release that is refused again tells its rows too, and the next one goes on from there', async () => {
  const day = '2024-05-15';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 4, bad: 4 }));
  await house().run('fares', day);
  const first = await keptRelease(house(), fares, day, [HEADER, `1,5,${day},5,100,`]);
  await carryOut(house(), first);
  expect((await house().attempts('fares', day)).at(-1)).toMatchObject({ state: 'refused', rejected: 3 });
  expect(await waysOf(house(), first)).toEqual([
    '1/5 not-an-integer → 2/1 staged',
    '1/6 not-an-integer → 1/6 rejected not-an-integer',
    '1/7 not-an-integer → 1/7 rejected not-an-integer',
    '1/8 not-an-integer → 1/8 rejected not-an-integer',
  ]);
  const again = keptRelease(house(), fares, day, [HEADER, `1,5,${day},5,100,`, `1,6,${day},6,100,`]);
  await expect(again).rejects.toMatchObject({
    name: 'UsageError',
    detail: expect.stringContaining('part 1 record 5, corrected before') as unknown,
  });
  await carryOut(house(), await keptRelease(house(), fares, day, [HEADER, `1,6,${day},6,100,`]));
  expect((await house().attempts('fares', day)).at(-1)).toMatchObject({ loaded: 6, rejected: 2, read: 10 });
});

test('a release of another day, and one that nobody knows, are refused', async () => {
  const day = '2024-05-08';
  await refusedNight(day);
  const release = await keptRelease(house(), fares, day);
  const answer = expect.stringContaining('there is no release') as unknown;
  const elsewhere = { ...release, businessDate: dayOf('2024-05-09') };
  expect(await askForRelease(house(), elsewhere, 'elsewhere')).toMatchObject({ state: 'refused', answer });
  const unknown = { ...release, releaseId: 'nobody' };
  expect(await askForRelease(house(), unknown, 'unknown')).toMatchObject({ state: 'refused', answer });
});

test('there is nothing to release of a night without rejected rows, or of an attempt that judged none', async () => {
  const day = '2024-05-13';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 2 }));
  await house().run('fares', day);
  await expect(keptRelease(house(), fares, day)).rejects.toThrow(
    'rejected no row: there is nothing to release',
  );
  await house().put('fares', '2024-05-14.csv', ['amount,note']);
  await house().run('fares', '2024-05-14');
  await expect(keptRelease(house(), fares, '2024-05-14')).rejects.toMatchObject({
    message: expect.stringContaining('ended before all of its rows were judged') as unknown,
    hint: expect.stringContaining('--input landing') as unknown,
  });
});

test('R19: what a release has read is kept for as long as the landing of its attempt', async () => {
  const day = '2024-05-11';
  await refusedNight(day);
  const release = await keptRelease(house(), fares, day, [HEADER, `1,6,${day},6,100,`]);
  await carryOut(house(), release);
  const businessDate = dayOf(day);
  await house().ask(
    `update nighttrain.attempt set ended_at = now() - interval '40 days' where business_date = $1 and epoch = 1`,
    [day],
  );
  const wanted = () => isLandingWanted(house().database, { dataset: 'fares', businessDate }, 1, 30);
  expect(await wanted()).toBe(true);
  await house().ask(
    `update nighttrain.attempt set ended_at = now() - interval '40 days' where business_date = $1`,
    [day],
  );
  expect(await wanted()).toBe(false);
});

async function sha256Of(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}
