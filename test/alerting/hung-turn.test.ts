import { ServiceError } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCheckDeliveries } from '../../activities/check-deliveries.ts';
import type { Deps } from '../../activities/deps.ts';
import { startDueEscalations } from '../../activities/sweep-escalations.ts';
import { archive } from '../../alerting/archive/archive.ts';
import { addDays } from '../../rules/business-date.ts';
import { alarmIn } from '../support/alarm.ts';
import { openHouse, type House } from '../support/house.ts';
import { dayOf } from '../support/intake.ts';
import { ON_CALL } from '../support/on-call.ts';
import { RecordingChannel } from '../support/recorded-pages.ts';

/** What hangs, or fails, for one page or one alert must be nothing to the others. */
let house: House;
let loader: DataSource;
beforeAll(async () => {
  house = await openHouse();
  loader = await house.open(house.loaderUrl, 'hung', 4);
});
afterAll(() => house[Symbol.asyncDispose]());

async function raise(number: number): Promise<string> {
  const finding = {
    rule: 'night-failed',
    dataset: 'fares',
    businessDate: addDays(dayOf('2020-01-01'), number),
    sentence: `the ${number}th failed`,
  } as const;
  const archived = await loader.transaction((tx) => archive(tx, finding, { onCall: ON_CALL }));
  return archived?.alertId ?? '';
}

test('news of a page that cannot be recorded holds its level up for five seconds, and no longer', async () => {
  const alertId = await raise(1);
  const sms = new RecordingChannel('sms', 'sent');
  sms.states.set('+33612345678', 'delivered');
  sms.sent.push({ address: '+33612345678', page: {} as never, at: 0, providerId: 'SM1' });
  await house.ask(`update nighttrain.alert set paging = 'under way' where alert_id = $1`, [alertId]);
  await house.ask(
    `insert into nighttrain.alert_delivery (alert_id, firing, round, level, person, channel, address, state, provider_id)
     values ($1, 1, 1, 1, 'ada', 'sms', '+33612345678', 'sent', 'SM1')`,
    [alertId],
  );
  const deps = { warehouse: loader, channels: { sms }, log: house.log } as unknown as Deps;
  const check = async () =>
    new MockActivityEnvironment().run(createCheckDeliveries(deps), {
      alertId,
      firing: 1,
      round: 1,
      level: 1,
    });

  await house.database.transaction(async (tx) => {
    await tx.query('select from nighttrain.alert_delivery where alert_id = $1 for update', [alertId]);
    const asked = performance.now();
    expect(await check()).toEqual({ isOver: false, reach: 'perhaps' });
    expect(performance.now() - asked).toBeLessThan(8_000);
  });
  expect(await check()).toEqual({ isOver: false, reach: 'somebody' });
});

const TOO_LONG = 'x'.repeat(5_000);

test('an alert whose escalation Temporal does not start keeps no other from being started', async () => {
  const ids = [await raise(2), await raise(3), await raise(4)];
  const started: string[] = [];
  const escalations = {
    isRunning: async () => Promise.resolve(false),
    start: async (alertId: string) => {
      // What a real Temporal says of an id that it does not take.
      if (alertId === ids[0])
        await house.client.workflow.start('escalation', { workflowId: TOO_LONG, taskQueue: 'x' });
      started.push(alertId);
    },
  } as unknown as Deps['escalations'];
  const sweep = startDueEscalations({
    warehouse: loader,
    escalations,
    alarm: alarmIn(house, loader),
    log: house.log,
  });
  await expect(sweep).rejects.toBeInstanceOf(ServiceError);
  expect(started).toEqual(expect.arrayContaining(ids.slice(1)));
});
