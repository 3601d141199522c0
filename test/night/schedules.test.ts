import { expect, test } from 'vitest';
import type { Dataset } from '../../rules/dataset.ts';
import { ConfigurationError } from '../../rules/errors.ts';
import { integer, text } from '../../rules/kit.ts';
import { applySchedules } from '../../worker/schedules.ts';
import { clients, fares, prices } from '../support/datasets.ts';
import { openHouse, type House } from '../support/house.ts';

const schedule = { at: '02:00', dueBy: '05:00', timeZone: 'UTC', cadence: 'daily', after: [] } as const;

/** Sweeps are no dataset's: every house has them. */
const isSweep = ({ scheduleId }: { scheduleId: string }) => scheduleId.startsWith('nighttrain/_');

const describeAll = async (house: House) => {
  const found = [];
  for await (const { scheduleId } of house.client.schedule.list()) {
    if (isSweep({ scheduleId })) continue;
    const { spec, state } = await house.client.schedule.getHandle(scheduleId).describe();
    const hour = spec.calendars?.[0]?.hour;
    found.push({ scheduleId, hour: JSON.stringify(hour), paused: state.paused });
  }
  return found.sort((a, b) => a.scheduleId.localeCompare(b.scheduleId));
};

test('schedules become what the datasets declare: made, kept, changed and removed, and a paused one stays paused', async () => {
  await using house = await openHouse();
  const apply = async (datasets: Dataset[], dryRun = false) =>
    (await applySchedules(house.client, datasets, dryRun)).filter((change) => !isSweep(change));
  const both = [
    { ...fares, schedule },
    { ...clients, schedule: { ...schedule, timeZone: 'Africa/Douala' } },
    prices,
  ];

  expect(await apply(both, true)).toEqual([
    { scheduleId: 'nighttrain/fares', action: 'create' },
    { scheduleId: 'nighttrain/clients', action: 'create' },
  ]);
  expect(await describeAll(house)).toEqual([]); // it only said so
  await apply(both);
  expect((await apply(both)).map(({ action }) => action)).toEqual(['keep', 'keep']);

  await house.client.schedule.getHandle('nighttrain/fares').pause('the source is being moved');
  const later = [{ ...fares, schedule: { ...schedule, at: '03:00' } }];
  await expect.poll(() => describeAll(house)).toHaveLength(2); // listing lags behind a little
  expect(await apply(later, true)).toEqual([
    { scheduleId: 'nighttrain/fares', action: 'update' },
    { scheduleId: 'nighttrain/clients', action: 'delete' },
  ]);
  await apply(later);
  await expect
    .poll(() => describeAll(house))
    .toEqual([
      { scheduleId: 'nighttrain/fares', hour: expect.stringContaining('"start":3') as unknown, paused: true },
    ]);
});

test('a sweep of the day that an outage fell on is made up for within hours, also where an older version declared it', async () => {
  await using house = await openHouse();
  await applySchedules(house.client, []);
  const months = house.client.schedule.getHandle('nighttrain/_sweep-months');
  await months.update((found) => ({
    ...found,
    policies: { ...found.policies, catchupWindow: '1 minute' },
    action: { ...found.action, memo: { declared: { of: 'months', every: '1 day' } } },
  }));
  const sweeps = (await applySchedules(house.client, [])).filter(isSweep);
  expect(sweeps.filter(({ action }) => action === 'update')).toEqual([
    { scheduleId: 'nighttrain/_sweep-months', action: 'update' },
  ]);
  for (const of of ['months', 'audits']) {
    const { policies } = await house.client.schedule.getHandle(`nighttrain/_sweep-${of}`).describe();
    expect({ of, hours: policies.catchupWindow / 3_600_000 }).toEqual({ of, hours: 12 });
  }
});

test('a schedule that is none of ours is left alone', async () => {
  await using house = await openHouse();
  await house.client.schedule.create({
    scheduleId: 'of somebody else',
    spec: { calendars: [{ hour: 4 }] },
    action: { type: 'startWorkflow', workflowType: 'x', taskQueue: 'y' },
  });
  await expect.poll(() => describeAll(house)).toHaveLength(1);
  expect((await applySchedules(house.client, [])).filter((change) => !isSweep(change))).toEqual([]);
  expect(await describeAll(house)).toHaveLength(1);
});

test('a dataset whose table or policy differs from its declaration is refused at start, with every difference', async () => {
  const edited: Dataset = {
    ...fares,
    columns: { ...fares.columns, note: integer(), tip: text().orReject() },
    rejectLimitPercent: 50,
  };
  const unknown: Dataset = { ...prices, name: 'prices-2', table: 'price_2' };
  await using house = await openHouse({ datasets: [edited, unknown] });
  const error: unknown = await house.startWorker().catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(ConfigurationError);
  const { detail } = error as ConfigurationError;
  expect(detail).toContain('fares: column note is declared integer, the table has text');
  expect(detail).toContain('fares: column tip text not null is missing');
  expect(detail).toMatch(/fares: rejectLimitPercent is declared 50, the warehouse has 30/);
  expect(detail).toContain('prices-2: table warehouse.price_2 is missing');
});
