import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { alarmOf, type Alarm } from '../../alerting/alarm/alarm.ts';
import { MOST_SPOOLED, Spool } from '../../alerting/alarm/spool.ts';
import type { Finding } from '../../rules/alert.ts';
import { addDays } from '../../rules/business-date.ts';
import { openWarehouse } from '../../warehouse/data-source.ts';
import { migrate } from '../../warehouse/migrate.ts';
import { openHouse, type House } from '../support/house.ts';
import { openHouseOfEngines } from '../support/house-of-engines.ts';
import { dayOf, until } from '../support/intake.ts';
import { ON_CALL } from '../support/on-call.ts';
import { PASSWORD } from '../support/template.ts';
import { unguarded } from '../support/unguarded.ts';

let house: House;
let loader: DataSource;
let folder: string;
let paged: string[];
beforeAll(async () => {
  house = await openHouse();
  loader = await house.open(house.loaderUrl, 'nighttrain worker', 6);
});
beforeEach(async ({ task }) => {
  paged = [];
  folder = join(house.folder, `spool-${task.id}`);
  await unguarded(house.database, 'truncate nighttrain.alert, nighttrain.alert_spooled cascade');
});
afterAll(() => house[Symbol.asyncDispose]());

const nth = (number: number): Finding => ({
  rule: 'night-failed',
  dataset: 'fares',
  businessDate: addDays(dayOf('2020-01-01'), number),
  sentence: `the ${number}th failed`,
});

function alarmIn(warehouse: DataSource, spoolFolder = folder): Alarm {
  return alarmOf({
    warehouse,
    spoolFolder,
    startEscalation: (alertId) => Promise.resolve(void paged.push(alertId)),
    alertChanged: () => Promise.resolve(),
    onCall: () => ON_CALL,
    log: house.log,
  });
}

/** Findings that wait, put there by somebody who found PostgreSQL down. */
async function waiting(most: number): Promise<void> {
  const spool = new Spool(folder);
  for (let number = 1; number <= most; number++) {
    const occurrence = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
    await spool.keep({ occurrence, foundAt: '2024-02-03T02:00:00.000Z', finding: nth(number) });
  }
}

const files = () => readdir(folder);
const alerts = () =>
  house.ask<{ date: string; times: number; state: string; first: Date }>(
    `select business_date as date, times, state, first_at as first from nighttrain.alert where rule <> 'alert-storm'
     order by business_date`,
  );
const times = async () => (await alerts()).map((alert) => alert.times);

describe('while PostgreSQL is down', () => {
  test('what is raised waits in the spool, each finding in a file, and is archived once when PostgreSQL is back', async () => {
    await using engines = await openHouseOfEngines();
    const postgres = await engines.startPostgres();
    const empty = join(engines.folder, 'no-migrations');
    await mkdir(empty);
    const bootstrap = { password: PASSWORD, replace: true };
    await migrate({ adminUrl: postgres.databaseUrl, projectFolder: empty, datasets: [], bootstrap });
    const url = new URL(postgres.databaseUrl);
    [url.username, url.password] = ['nighttrain_loader', PASSWORD];
    const before = await openWarehouse(url.href);
    const alarm = alarmIn(before);
    await alarm.raise(nth(1));
    await postgres.stop();
    await alarm.raise(nth(1));
    await alarm.raise(nth(2), 'the second of that night');
    await alarm.raise(nth(2), 'the second of that night'); // its step was tried again
    expect(await files()).toHaveLength(2);
    expect(await alarm.drainSpool()).toBe(0);
    expect(await files()).toHaveLength(2);
    await before.destroy().catch(() => undefined); // its connections are gone already

    const again = new URL((await engines.startPostgres()).databaseUrl);
    [again.username, again.password] = ['nighttrain_loader', PASSWORD];
    const after = await openWarehouse(again.href);
    expect(await alarmIn(after).drainSpool()).toBe(2);
    expect(await files()).toEqual([]);
    await alarmIn(after).raise(nth(2), 'the second of that night'); // and once more, late
    expect(await after.query('select times, state from nighttrain.alert order by business_date')).toEqual([
      { times: 2, state: 'firing' },
      { times: 1, state: 'firing' },
    ]);
    expect(paged).toHaveLength(2);
    await after.destroy();
  });

  test('an archive that got the alert, and whose answer was lost, has it once', async () => {
    const lost = house.wire.cut('lose the answer', 'COMMIT', { from: 'nighttrain worker' });
    await alarmIn(loader).raise(nth(1), 'the only time');
    await lost;
    expect(await times()).toEqual([1]);
    expect(await files()).toHaveLength(1);
    expect(await alarmIn(loader).drainSpool()).toBe(0);
    expect(await files()).toEqual([]);
    expect(await times()).toEqual([1]);
  });

  test.each(['its wire goes dark', 'its COMMIT hangs'])(
    'an archive that hangs keeps nobody waiting for longer than five seconds: %s',
    async (how) => {
      const alarm = alarmIn(loader);
      await alarm.raise(nth(1));
      const started = performance.now();
      if (how === 'its COMMIT hangs') {
        const held = house.wire.hold('COMMIT', { from: 'nighttrain worker' });
        const raised = alarm.raise(nth(1), 'the second time');
        const commit = await held;
        await raised;
        commit.cut();
      } else {
        house.wire.goDark();
        await alarm.raise(nth(1), 'the second time');
        house.wire.mend();
      }
      expect(performance.now() - started).toBeLessThan(7_000);
      expect(await files()).toHaveLength(1);
      await until(async () => (await alarm.drainSpool()) === 1); // the pool notices its broken connections
      expect(await files()).toEqual([]);
      expect(await times()).toEqual([2]);
    },
  );

  test('that PostgreSQL was down is over once it is taken over: it pages nobody', async () => {
    const finding: Finding = {
      rule: 'warehouse-down',
      dataset: null,
      businessDate: null,
      sentence: 'PostgreSQL did not answer',
    };
    const occurrence = '00000000-0000-4000-8000-000000000001';
    await new Spool(folder).keep({ occurrence, foundAt: '2024-02-03T02:00:00.000Z', finding });
    expect(await alarmIn(loader).drainSpool()).toBe(1);
    expect(await alerts()).toMatchObject([{ state: 'resolved' }]);
    expect(paged).toEqual([]);
  });
});

describe('the spool is taken over', () => {
  test('in the order in which it was filled, with the time at which each was found', async () => {
    await waiting(3);
    expect(await alarmIn(loader).drainSpool()).toBe(3);
    expect(await files()).toEqual([]);
    expect(await alerts()).toMatchObject([1, 2, 3].map(() => ({ first: new Date('2024-02-03T02:00:00Z') })));
    expect(paged).toHaveLength(3);
  });

  test('each finding once, also by several workers at the same moment', async () => {
    await waiting(60);
    const other = await house.open(house.loaderUrl, 'another worker', 3);
    const taken = await Promise.all([loader, other, loader].map((one) => alarmIn(one).drainSpool()));
    expect(taken.reduce((sum, one) => sum + one, 0)).toBe(60);
    expect(await times()).toEqual(Array.from({ length: 60 }, () => 1));
    expect(await files()).toEqual([]);
  });

  test.each(['before PostgreSQL got it', 'after'])(
    'each finding once, also where a worker dies at its COMMIT, %s',
    async (when) => {
      await waiting(2);
      const fate = when === 'after' ? 'lose the answer' : 'lose the request';
      const died = house.wire.cut(fate, 'COMMIT', { from: 'nighttrain worker' });
      expect(await alarmIn(loader).drainSpool()).toBe(0);
      await died;
      expect(await files()).toHaveLength(2); // it died before it could take the file away
      expect(await alarmIn(loader).drainSpool()).toBe(when === 'after' ? 1 : 2);
      expect(await files()).toEqual([]);
      expect(await times()).toEqual([1, 1]);
    },
  );

  test('what is no finding is set aside, and stops nobody', async () => {
    await waiting(1);
    await writeFile(join(folder, 'cut-short.json'), '{"occurrence": "0000');
    await writeFile(join(folder, 'another-program.json'), '{"rule": "rm -rf"}');
    await writeFile(join(folder, 'half.json.17.x~'), 'a crash left this');
    expect(await alarmIn(loader).drainSpool()).toBe(1);
    expect((await files()).sort()).toEqual([
      'another-program.json.broken',
      'cut-short.json.broken',
      'half.json.17.x~',
    ]);
    expect(await readFile(join(folder, 'cut-short.json.broken'), 'utf8')).toBe('{"occurrence": "0000');
  });

  test('a table that is missing costs no finding: it waits for the migration', async () => {
    await waiting(1);
    await unguarded(house.database, 'alter table nighttrain.alert_spooled rename to elsewhere');
    try {
      expect(await alarmIn(loader).drainSpool()).toBe(0);
      expect(await files()).toHaveLength(1);
    } finally {
      await unguarded(house.database, 'alter table nighttrain.elsewhere rename to alert_spooled');
    }
    expect(await alarmIn(loader).drainSpool()).toBe(1);
  });

  test('where there is none, nothing is there to take over', async () => {
    expect(await alarmIn(loader, join(folder, 'never-made')).drainSpool()).toBe(0);
  });
});

test('a spool that is full takes no more, and the log has what it did not take', async () => {
  await mkdir(folder);
  for (let number = 0; number < MOST_SPOOLED; number++) await writeFile(join(folder, `${number}.json`), '');
  const finding = nth(1);
  const full = new Spool(folder).keep({
    occurrence: '00000000-0000-4000-8000-000000000001',
    foundAt: '2024-02-03T02:00:00.000Z',
    finding,
  });
  await expect(full).rejects.toThrow(/20000 findings wait/);
  const cut = house.wire.cut('lose the request', 'COMMIT', { from: 'nighttrain worker' });
  await alarmIn(loader).raise(finding);
  await cut;
  expect(house.lines.at(-1)).toContain('an alert could neither be archived nor spooled');
  expect(house.lines.at(-1)).toContain(finding.sentence);
});
