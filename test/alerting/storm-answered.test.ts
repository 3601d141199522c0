import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { acknowledge, archive, type Archived } from '../../alerting/archive/archive.ts';
import type { Finding } from '../../rules/alert.ts';
import { addDays } from '../../rules/business-date.ts';
import { openHouse, type House } from '../support/house.ts';
import { dayOf } from '../support/intake.ts';
import { ON_CALL } from '../support/on-call.ts';

let house: House;
let loader: DataSource;
beforeAll(async () => {
  house = await openHouse();
  loader = await house.open(house.loaderUrl, 'storm', 2);
});
afterAll(() => house[Symbol.asyncDispose]());

const nth = (number: number): Finding => ({
  rule: 'night-failed',
  dataset: 'fares',
  businessDate: addDays(dayOf('2020-01-01'), number),
  sentence: `the ${number}th failed`,
});
const raise = async (finding: Finding): Promise<Archived | undefined> =>
  loader.transaction((tx) => archive(tx, finding, { onCall: ON_CALL }));

test('whoever answered a storm has not seen what comes later: it is another incident, with one page', async () => {
  for (let number = 1; number <= 12; number++) await raise(nth(number));
  const [first] = await incidents();
  await acknowledge(loader, { code: first?.code ?? 0 }, { by: 'ada', via: 'test' });

  const broken = await raise({ ...nth(13), rule: 'ledger-broken', sentence: 'a link of the chain is gone' });
  expect(broken?.toPage).toHaveLength(1);
  expect((await raise(nth(14)))?.toPage).toEqual([]);
  expect(await incidents()).toMatchObject([
    { state: 'acknowledged', paging: 'over', members: 12, times: 12 },
    { state: 'firing', paging: 'due', members: 2, times: 2, alertId: broken?.toPage[0] },
  ]);
});

const incidents = () =>
  house.ask<{ alertId: string; code: number; state: string; times: number; paging: string; members: number }>(
    `select alert_id as "alertId", code, state, times, paging,
       (select count(*) from nighttrain.alert m where m.incident_id = a.alert_id) as members
     from nighttrain.alert a where rule = 'alert-storm' order by first_at`,
  );
