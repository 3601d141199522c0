import { expect, test } from 'vitest';
import { endingOf } from '../support/ending.ts';
import { fares } from '../support/datasets.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse } from '../support/house.ts';
import { until } from '../support/intake.ts';
import { connectCallbacks, keepFigure, pagingBy, PUBLIC_URL, smsTo } from '../support/paging.ts';
import { endOfPaging, putOnCall } from '../support/recorded-pages.ts';
import { TwilioStub } from '../support/twilio.ts';

const ANA = '+33611111111';
const ARCHITECT = '+33622222222';

/** Level 1 has six seconds here; a person has ten minutes. */
const ON_CALL = `
people:
  ana: { name: Ana, channels: [{ sms: '${ANA}' }] }
  bo: { name: the architect, channels: [{ sms: '${ARCHITECT}' }] }
levels:
  - { people: [ana], timeoutMinutes: 0.1 }
  - { people: [bo], timeoutMinutes: 10 }
`;

const SLOT = '2024-10-07T02:00:00Z';
const NIGHT = '2024-10-06';
const schedule = { at: '02:00', dueBy: '05:00', timeZone: 'UTC', cadence: 'daily', after: [] } as const;

test('31 % bad rows at 02:00: a page within ten seconds, no answer, level 2, ACK by reply, corrected, replayed, resolved', async () => {
  await using twilio = await TwilioStub.start();
  await using house = await openHouse({ datasets: [{ ...fares, schedule }], paging: pagingBy(twilio) });
  await putOnCall(house, ON_CALL);
  await house.startWorker();
  connectCallbacks(house, twilio);
  await house.put('fares', `${NIGHT}.csv`, fareLines(NIGHT, { good: 69, bad: 31 }));

  const at = new Date(SLOT);
  const startedAt = Date.now();
  await house.client.schedule
    .getHandle('nighttrain/fares')
    .backfill({ start: at, end: at, overlap: 'ALLOW_ALL' });
  const first = await smsTo(twilio, ANA, NIGHT);
  expect(first.at - startedAt).toBeLessThan(10_000);
  const night = house.client.workflow.getHandle(`nightly/fares-${SLOT}`);
  expect(await endingOf(night)).toMatchObject({ state: 'failed', error: { name: 'Refused' } });
  const [alert] = await house.ask<{ alertId: string; code: number; rule: string }>(
    `select alert_id as "alertId", code, rule from nighttrain.alert where dataset = 'fares'`,
  );
  const { alertId = '', code = 0 } = alert ?? {};
  const text = first.message.params['Body'];
  for (const part of ['ERROR', 'fares', NIGHT, '31', `ACK ${code}`, 'Runbook reject-limit-exceeded'])
    expect(text).toContain(part);
  expect(Number(first.message.params['ValidityPeriod'])).toBeLessThanOrEqual(6);
  expect(await twilio.settle(first.message, 'delivered')).toMatchObject({ status: 204 });

  const second = await smsTo(twilio, ARCHITECT, NIGHT);
  expect(second.at - first.at).toBeGreaterThan(4_000); // level 1 was reached, and had its time
  expect(second.at - first.at).toBeLessThan(12_000);
  await twilio.settle(second.message, 'delivered');
  const reply = twilio.replyParams(ARCHITECT, `ack ${code}`);
  expect(await twilio.call(`${PUBLIC_URL}/twilio/reply`, reply)).toMatchObject({ status: 200 });
  expect(await endOfPaging(house, alertId)).toBe('answered');
  expect(await stateOf()).toEqual({ state: 'acknowledged', by: 'bo', via: 'sms' });

  await house.put('fares', `${NIGHT}.csv`, fareLines(NIGHT, { good: 100 }));
  expect(await house.replay('fares', NIGHT)).toMatchObject({ state: 'loaded' });
  await until(async () => (await stateOf())?.state === 'resolved');
  expect(twilio.messages.map(({ params }) => params['To'])).toEqual([ANA, ARCHITECT]);
  expect(twilio.refused).toEqual([]);
  expect(
    await house.ask(
      'select kind, by_whom as by, via from nighttrain.alert_event where alert_id = $1 order by seq',
      [alertId],
    ),
  ).toMatchObject([
    { kind: 'fired' },
    { kind: 'paged', by: 'ana', via: 'sms' },
    { kind: 'paged', by: 'bo', via: 'sms' },
    { kind: 'acknowledged', by: 'bo', via: 'sms' },
    { kind: 'resolved', via: 'load' },
  ]);
  await keepFigure(
    '31 % bad rows at 02:00',
    'SMS to level 1, from the start of the night',
    first.at - startedAt,
  );
  await keepFigure(
    'level 1 does not answer within its 6 s',
    'SMS to level 2, after that of level 1',
    second.at - first.at,
  );

  async function stateOf() {
    const [row] = await house.ask<{ state: string; by: string; via: string }>(
      `select state, acknowledged_by as by, acknowledged_via as via from nighttrain.alert where alert_id = $1`,
      [alertId],
    );
    return row;
  }
});
