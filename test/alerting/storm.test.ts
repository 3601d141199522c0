import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { alarmOf, type Alarm } from '../../alerting/alarm/alarm.ts';
import { acknowledge, archive, resolve } from '../../alerting/archive/archive.ts';
import { resolveWhatIsOver } from '../../alerting/archive/over.ts';
import type { Finding } from '../../rules/alert.ts';
import { addDays } from '../../rules/business-date.ts';
import type { OnCall } from '../../rules/on-call.ts';
import { openHouse, type House } from '../support/house.ts';
import { cpuMs, dayOf } from '../support/intake.ts';
import { ON_CALL } from '../support/on-call.ts';
import { unguarded } from '../support/unguarded.ts';

let house: House;
let loader: DataSource;
let paged: string[];
beforeAll(async () => {
  house = await openHouse();
  loader = await house.open(house.loaderUrl, 'storm', 8);
});
beforeEach(async () => {
  paged = [];
  await unguarded(house.database, 'truncate nighttrain.alert cascade');
});
afterAll(() => house[Symbol.asyncDispose]());

const nth = (number: number, more: Partial<Finding> = {}): Finding => ({
  rule: 'night-failed',
  dataset: 'fares',
  businessDate: addDays(dayOf('2020-01-01'), number),
  sentence: `the ${number}th failed`,
  ...more,
});

function alarm(onCall: OnCall | undefined = ON_CALL): Alarm {
  return alarmOf({
    warehouse: loader,
    spoolFolder: `${house.folder}/spool`,
    startEscalation: (alertId) => Promise.resolve(void paged.push(alertId)),
    alertChanged: () => Promise.resolve(),
    onCall: () => onCall,
    log: house.log,
  });
}

async function raise(from: number, to: number, more?: Partial<Finding>): Promise<void> {
  const here = alarm();
  for (let number = from; number <= to; number++) await here.raise(nth(number, more));
}

const incidents = () =>
  house.ask<{ alertId: string; code: number; state: string; times: number; paging: string; members: number }>(
    `select alert_id as "alertId", code, state, times, paging,
       (select count(*) from nighttrain.alert m where m.incident_id = a.alert_id) as members
     from nighttrain.alert a where rule = 'alert-storm' order by first_at`,
  );
const members = () =>
  house.ask<{ state: string; paging: string; incident: string | null }>(
    `select state, paging, incident_id as incident from nighttrain.alert where rule <> 'alert-storm' order by first_at`,
  );
const said = () =>
  house.ask(`select sentence, facts ->> 'number' as number from nighttrain.alert where rule = 'alert-storm'`);
/** The clock goes on: for the archive the storm was longer ago. */
const later = (minutes: number) =>
  unguarded(
    house.database,
    `with a as (update nighttrain.alert set first_at = first_at - $1::interval, last_at = last_at - $1::interval)
     update nighttrain.alert_event set at = at - $1::interval`,
    [`${minutes} minutes`],
  );

test('ten alerts in five minutes are ten alerts, each with its own page', async () => {
  await raise(1, 10);
  expect(await incidents()).toEqual([]);
  expect(paged).toHaveLength(10);
});

test('the eleventh makes them one incident: one more page, and no further one for any of them', async () => {
  await raise(1, 30);
  expect(await incidents()).toMatchObject([{ state: 'firing', paging: 'due', times: 30, members: 30 }]);
  expect(paged).toHaveLength(11);
  expect(paged.at(-1)).toBe((await incidents())[0]?.alertId);
  // Those that were being paged alone are not any more: the incident takes their place.
  expect(new Set((await members()).map(({ paging }) => paging))).toEqual(new Set(['over', 'quiet']));
});

test('the page of an incident says once how many alerts it is, of what, and of which days, as long as it grows', async () => {
  await raise(1, 14);
  expect(await said()).toEqual([
    {
      sentence: '14 alerts are one incident: night-failed fares 2020-01-02 to 2020-01-15',
      number: '14 alerts',
    },
  ]);
  await raise(15, 16, { rule: 'source-down', dataset: 'trips' });
  await raise(17, 17, { rule: 'ledger-broken', dataset: null, businessDate: null });
  expect(await said()).toMatchObject([
    {
      sentence:
        '17 alerts are one incident: night-failed fares 2020-01-02 to 2020-01-15 (14), source-down trips 2020-01-16 to 2020-01-17 (2), ledger-broken',
    },
  ]);
});

test('what somebody has resolved, and what an incident that was resolved had told, makes no storm of one alert', async () => {
  await raise(1, 14);
  const who = { by: 'ada', via: 'test' };
  for (const { code } of await incidents()) await resolve(loader, { code }, who);
  await raise(15, 15);
  expect((await members()).at(-1)).toMatchObject({ paging: 'due', incident: null });

  await unguarded(house.database, 'truncate nighttrain.alert cascade');
  await raise(1, 10);
  const alerts = await house.ask<{ code: number }>('select code from nighttrain.alert');
  for (const { code } of alerts) await resolve(loader, { code }, who);
  await raise(11, 12);
  expect(await incidents()).toEqual([]);
});

test('what comes and goes by itself, each time with a page, is a storm all the same', async () => {
  await raise(1, 10);
  await house.ask(`update nighttrain.alert set state = 'resolved', resolved_by = 'nighttrain'`);
  await raise(11, 12);
  expect(await incidents()).toMatchObject([{ members: 2 }]);
});

test('repeats of one alert are no storm, and neither are warnings that page nobody', async () => {
  for (let times = 0; times < 30; times++) await raise(1, 1);
  await raise(100, 130, { rule: 'night-cancelled' });
  expect(await incidents()).toEqual([]);
  expect(paged).toHaveLength(1);
});

test('a warning that pages nobody is no part of a storm: it would be taken for answered with it', async () => {
  await raise(1, 12);
  await raise(13, 13, { rule: 'night-cancelled' });
  expect((await members()).at(-1)).toMatchObject({ paging: 'quiet', incident: null });
});

test('alerts that are spread over more than five minutes are no storm', async () => {
  await raise(1, 10);
  await later(6);
  await raise(11, 20);
  expect(await incidents()).toEqual([]);
});

test('once it is calm, the next alert is news by itself, and the next storm another incident', async () => {
  await raise(1, 12);
  await later(6);
  paged = [];
  await raise(13, 13);
  expect((await members()).at(-1)).toMatchObject({ paging: 'due', incident: null });
  expect(paged).toHaveLength(1);
  await raise(14, 40);
  expect(await incidents()).toHaveLength(2);
  expect(paged).toHaveLength(11);
});

test('who acknowledges the incident has acknowledged its alerts; resolving it resolves none of them', async () => {
  await raise(1, 15);
  const [incident] = await incidents();
  if (!incident) throw new Error('there is no incident');
  const who = { by: 'ada', via: 'test' };
  expect(await acknowledge(loader, { code: incident.code }, who)).toMatchObject({ outcome: 'acknowledged' });
  expect(new Set((await members()).map(({ state }) => state))).toEqual(new Set(['acknowledged']));
  await resolve(loader, { code: incident.code }, who);
  expect(new Set((await members()).map(({ state }) => state))).toEqual(new Set(['acknowledged']));
});

test('an incident is over when it is calm and all of its alerts are resolved, not before', async () => {
  await raise(1, 12);
  await later(6);
  const sweep = { by: 'nighttrain', via: 'sweep' };
  await resolveWhatIsOver(loader, sweep);
  expect(await incidents()).toMatchObject([{ state: 'firing' }]);
  await house.ask(`update nighttrain.alert set state = 'resolved' where rule <> 'alert-storm'`);
  await resolveWhatIsOver(loader, sweep);
  expect(await incidents()).toMatchObject([{ state: 'resolved' }]);
});

test('that nobody answered, and a test, are told in any storm', async () => {
  await raise(1, 20);
  paged = [];
  await raise(21, 21, { rule: 'escalation-exhausted' });
  await raise(22, 22, { rule: 'test-page' });
  expect(paged).toHaveLength(2);
});

test('many at the same moment make one incident', async () => {
  const transactions = Array.from({ length: 40 }, (_, number) =>
    loader.transaction((tx) => archive(tx, nth(number), { onCall: ON_CALL })),
  );
  const toPage = (await Promise.all(transactions)).flatMap((one) => one?.toPage ?? []);
  expect(toPage).toHaveLength(11);
  expect(await incidents()).toMatchObject([{ times: 40, members: 40 }]);
});

test('ten thousand alerts in a minute: all are archived, eleven pages are sent, and memory stays where it was', async () => {
  const here = alarm();
  await here.raise(nth(0));
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const [started, cpuBefore] = [performance.now(), cpuMs()];
  let next = 1;
  let most = 0;
  const raiser = async () => {
    while (next < 10_000) {
      await here.raise(nth(next++, { facts: { number: '31.0 %', detail: 'x'.repeat(500) } }));
      most = Math.max(most, process.memoryUsage().heapUsed - before);
    }
  };
  await Promise.all(Array.from({ length: 50 }, raiser));
  const seconds = (performance.now() - started) / 1_000;
  process.stderr.write(
    `10,000 alerts: ${seconds.toFixed(1)} s, ${((cpuMs() - cpuBefore) / 1_000).toFixed(1)} s of our processor time, ${paged.length} pages, heap at most ${(most / 1e6).toFixed(0)} MB more\n`,
  );
  expect(
    await house.ask(`select count(*)::int as n from nighttrain.alert where rule <> 'alert-storm'`),
  ).toEqual([{ n: 10_000 }]);
  expect(await incidents()).toMatchObject([{ times: 10_000, members: 10_000 }]);
  expect(paged).toHaveLength(11);
  expect(most).toBeLessThan(100e6);
  expect(cpuMs() - cpuBefore).toBeLessThan(60_000);
}, 240_000);
