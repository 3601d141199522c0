import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { alarmOf, type Alarm } from '../../alerting/alarm/alarm.ts';
import { Spool } from '../../alerting/alarm/spool.ts';
import type { Finding } from '../../rules/alert.ts';
import { fareLines } from '../support/fares.ts';
import { shareHouse } from '../support/house.ts';
import { dayOf } from '../support/intake.ts';
import { ON_CALL } from '../support/on-call.ts';

/** What waited in the spool, or was archived too late for whoever raised it. Each test keeps to a day of its own. */
const house = shareHouse();

let loader: DataSource;
let folder: string;
let paged: string[];
beforeAll(async () => {
  await house().client.schedule.getHandle('nighttrain/_sweep-nights').pause('the test drains');
  loader = await house().open(house().loaderUrl, 'late', 4);
});
beforeEach(({ task }) => {
  paged = [];
  folder = join(house().folder, `spool-${task.id}`);
});

function alarm(): Alarm {
  return alarmOf({
    warehouse: loader,
    spoolFolder: folder,
    startEscalation: (alertId) => Promise.resolve(void paged.push(alertId)),
    alertChanged: () => Promise.resolve(),
    onCall: () => ON_CALL,
    log: house().log,
  });
}

const findingOf = (date: string, rule: Finding['rule']): Finding => ({
  rule,
  dataset: 'fares',
  businessDate: dayOf(date),
  sentence: `fares of ${date}: ${rule}`,
});

async function alertOf(date: string) {
  const [alert] = await house().ask<{
    state: string;
    times: number;
    paging: string;
    firing: number;
    last: Date;
  }>(`select state, times, paging, firing, last_at as last from nighttrain.alert where business_date = $1`, [
    date,
  ]);
  return alert;
}

async function load(date: string): Promise<void> {
  await house().put('fares', `${date}.csv`, fareLines(date, { good: 3 }));
  expect(await house().run('fares', date)).toMatchObject({ state: 'loaded' });
}

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

test('a night that was loaded while its failure waited in the spool is over, and nobody is paged for it', async () => {
  const date = '2023-01-01';
  const waiting = {
    occurrence: randomUUID(),
    foundAt: minutesAgo(5),
    finding: findingOf(date, 'night-failed'),
  };
  await new Spool(folder).keep(waiting);
  await load(date);
  expect(await alarm().drainSpool()).toBe(1);
  expect(await alertOf(date)).toMatchObject({
    state: 'resolved',
    paging: 'over',
    last: new Date(waiting.foundAt),
  });
  expect(paged).toEqual([]);
});

test('a failure that comes out of the spool does not make later news of the same alert look older', async () => {
  const date = '2023-01-02';
  await alarm().raise(findingOf(date, 'night-failed'));
  const before = await alertOf(date);
  await new Spool(folder).keep({
    occurrence: randomUUID(),
    foundAt: minutesAgo(5),
    finding: findingOf(date, 'night-failed'),
  });
  await alarm().drainSpool();
  expect(await alertOf(date)).toMatchObject({ times: 2, last: before?.last });
});

test('a night that failed after it had been loaded is not over, though an older version is there', async () => {
  const date = '2023-01-03';
  await load(date);
  await new Spool(folder).keep({
    occurrence: randomUUID(),
    foundAt: new Date().toISOString(),
    finding: findingOf(date, 'night-failed'),
  });
  await alarm().drainSpool();
  expect(await alertOf(date)).toMatchObject({ state: 'firing', paging: 'due' });
  expect(paged).toHaveLength(1);
});

test('a missing night stays missing until it is there, whatever whoever found it says later', async () => {
  const date = '2023-01-04';
  const spooled = {
    occurrence: randomUUID(),
    foundAt: minutesAgo(5),
    finding: findingOf(date, 'night-missing'),
  };
  const spool = new Spool(folder);
  await spool.keep(spooled);
  await alarm().drainSpool();
  await spool.keep({ ...spooled, overAt: minutesAgo(1) }); // it looks at the next night by now
  await alarm().drainSpool();
  expect(await alertOf(date)).toMatchObject({ state: 'firing', firing: 1 });
  expect(paged).toHaveLength(1);

  await load(date);
  expect(await alertOf(date)).toMatchObject({ state: 'resolved', firing: 1 });
});

test('whom the watchdog has told and who has seen it is not paged again by the archive; what was found since is', async () => {
  const date = '2023-01-06';
  const [finding, spool] = [findingOf(date, 'disk-full'), new Spool(folder)];
  const seen = { by: 'ada', at: minutesAgo(4) };
  await spool.keep({ occurrence: randomUUID(), foundAt: minutesAgo(5), finding, seen });
  await alarm().drainSpool();
  expect(await alertOf(date)).toMatchObject({ state: 'acknowledged', paging: 'over' });
  expect(paged).toEqual([]);

  const other = '2023-01-07';
  await alarm().raise(findingOf(other, 'disk-full')); // by somebody else, just now
  await spool.keep({
    occurrence: randomUUID(),
    foundAt: minutesAgo(5),
    finding: findingOf(other, 'disk-full'),
    seen,
  });
  await alarm().drainSpool();
  expect(await alertOf(other)).toMatchObject({ state: 'firing' });
});

test('a word that somebody has seen it, which comes after the finding was taken over, ends its paging', async () => {
  const date = '2023-01-08';
  const one = { occurrence: randomUUID(), foundAt: minutesAgo(5), finding: findingOf(date, 'disk-full') };
  const spool = new Spool(folder);
  await spool.keep(one);
  await alarm().drainSpool();
  await spool.keep({ ...one, seen: { by: 'ada', at: minutesAgo(1) } });
  await alarm().drainSpool();
  expect(await alertOf(date)).toMatchObject({ state: 'acknowledged', times: 1 });
});

test('a finding without a name whose archiving is not answered for is counted once', async () => {
  const date = '2023-01-05';
  const lost = house().wire.cut('lose the answer', 'COMMIT', { from: 'late' });
  await alarm().raise(findingOf(date, 'night-failed'));
  await lost;
  expect(await readdir(folder)).toHaveLength(1);
  await alarm().drainSpool();
  expect(await readdir(folder)).toEqual([]);
  expect(await alertOf(date)).toMatchObject({ times: 1 });
});
