import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { allRejected } from '../../activities/all-rejected.ts';
import { closedAttempt } from '../../cli/closed-attempt.ts';
import { openLandingFolder } from '../../intake/landing-folder.ts';
import type { Dataset } from '../../rules/dataset.ts';
import { integer } from '../../rules/kit.ts';
import { fares } from '../support/datasets.ts';
import { openHouse, shareHouse, type House } from '../support/house.ts';
import { dayOf } from '../support/intake.ts';
import { carryOut, keptRelease } from '../support/release.ts';

const house = shareHouse();

/** A release follows each of its rows, here more than a hundred thousand, on a machine that is busy with other tests. */
const PATIENCE_MS = 3 * 60_000;

/** A day of `fares` in two parts: refunds, which are out of range, and sound rows after them. */
async function putRefunds(day: string, refunds: number, sound: number, here: House = house()): Promise<void> {
  const rows = (from: number, to: number, amount: number) =>
    Array.from({ length: to - from }, (_, row) => `${day},${from + row},${amount},`);
  const header = 'day,receipt,amount,note';
  const lines = [...rows(0, refunds, -5), ...rows(refunds, refunds + sound, 100)];
  const half = Math.floor(lines.length / 2);
  await here.put('fares', `${day}-00001-of-00002.csv`, [header, ...lines.slice(0, half)]);
  await here.put('fares', `${day}-00002-of-00002.csv`, [header, ...lines.slice(half)]);
}

/** How many rejected rows of a day an operator can export, and how many are in quarantine. */
async function keptOf(day: string, here: House) {
  const warehouse = await here.open(here.loaderUrl, 'export');
  const attempt = await closedAttempt(warehouse, { dataset: 'fares', businessDate: dayOf(day) });
  let exported = 0;
  for await (const _ of await allRejected(warehouse, openLandingFolder(`${here.folder}/landing`), attempt))
    exported++;
  const [kept] = await here.ask<{ rows: number }>(
    'select count(*)::int as rows from nighttrain.quarantine where business_date = $1 and epoch = $2',
    [day, attempt.epoch],
  );
  return { exported, quarantined: kept?.rows };
}

test(
  'R2, R5: a night is refused once nothing that is left of it could save it; what was read is kept, and a release reads the rest',
  async () => {
    await using here = await openHouse();
    const strict = await here.startWorker();
    const day = '2024-09-01';
    await putRefunds(day, 125_000, 75_000, here);
    const ending = await here.run('fares', day);
    const [attempt] = await here.attempts('fares', day);
    const rejected = attempt?.['rejected'] as number;
    expect(rejected).toBeGreaterThan(100_000);
    expect(rejected).toBeLessThan(125_000);
    expect(attempt).toMatchObject({ state: 'refused', read: rejected, discarded: 0, loaded: null });
    expect(ending).toMatchObject({
      error: {
        name: 'Refused',
        message: `fares of ${day} is refused: ${rejected} of the first ${rejected} rows are rejected (100.0 %)`,
        detail: `The rest, ${200_000 - rejected} records at most, was not read: the night is too bad even if all of them are sound. The limit is 30 %; nothing was written.`,
      },
    });
    expect(await here.ask(`select sentence from nighttrain.alert where business_date = $1`, [day])).toEqual([
      {
        sentence: `fares of ${day} is refused: ${rejected} of the first ${rejected} rows are rejected (100.0 %)`,
      },
    ]);
    expect(await keptOf(day, here)).toEqual({ exported: rejected, quarantined: 100_000 });

    await strict.stop();
    const columns = { ...fares.columns, amount: integer().orReject('no-amount') };
    const mended: Dataset = { ...fares, columns };
    await here.startWorker((deps) => ({
      ...deps,
      datasets: new Map([...deps.datasets, ['fares', mended]]),
    }));
    await carryOut(here, await keptRelease(here, mended, day));
    expect((await here.attempts('fares', day)).at(-1)).toMatchObject({
      state: 'loaded',
      read: 200_000,
      loaded: 200_000,
      rejected: 0,
    });
  },
  PATIENCE_MS,
);

test('R2: a night whose rejected rows all come first and are exactly 30 % is loaded', async () => {
  const day = '2024-09-02';
  await putRefunds(day, 120_000, 280_000);
  expect(await house().run('fares', day)).toMatchObject({
    state: 'loaded',
    receipt: { counts: { read: 400_000, loaded: 280_000, rejected: 120_000 } },
  });
});

test('R2: one more, and it is refused as soon as that has come', async () => {
  const day = '2024-09-03';
  await putRefunds(day, 120_001, 279_999);
  await house().run('fares', day);
  const [attempt] = await house().attempts('fares', day);
  expect(attempt).toMatchObject({ state: 'refused', rejected: 120_001 });
  expect(attempt?.['read']).toBeLessThan(150_000);
});

test('a packed night is read to its end: how many records are in it is known only there', async () => {
  const day = '2024-09-04';
  const lines = Array.from({ length: 150_000 }, (_, row) => `${day},${row},-5,`);
  const packed = gzipSync(`day,receipt,amount,note\n${lines.join('\n')}\n`);
  await house().put('fares', `${day}.csv.gz`, packed);
  expect(await house().run('fares', day)).toMatchObject({
    error: { message: `fares of ${day} is refused: 150000 of 150000 rows are rejected (100.0 %)` },
  });
});
