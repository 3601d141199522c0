import { createServer, type AddressInfo } from 'node:net';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { OnCall } from '../../rules/on-call.ts';
import { openDoor } from '../../worker/door.ts';
import { escalationsOf } from '../../worker/escalations.ts';
import { NO_PAGING, type Paging } from '../../worker/paging.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse, type House } from '../support/house.ts';
import { until } from '../support/intake.ts';
import { TwilioStub } from '../support/twilio.ts';

const PUBLIC_URL = 'https://ops.example.test/nt';
const [ANA, BO] = ['+33611111111', '+33622222222'];

const ON_CALL: OnCall = {
  people: {
    ana: { name: 'Ana', channels: [{ channel: 'sms', address: ANA }] },
    bo: { name: 'Bo', channels: [{ channel: 'sms', address: BO }] },
  },
  levels: [
    { people: ['ana'], timeoutMs: 60_000 },
    { people: ['bo'], timeoutMs: 60_000 },
  ],
  rounds: 1,
  quiet: [],
  owners: {},
};

const pagingBy = (twilio: TwilioStub, port = 0): Paging => ({
  ...NO_PAGING,
  sms: {
    account: twilio.account,
    sender: { from: twilio.from },
    statusCallback: `${PUBLIC_URL}/twilio/status`,
    canReply: true,
  },
  callbacks: { publicUrl: PUBLIC_URL, host: '127.0.0.1', port },
  twilioAuthToken: twilio.authToken,
});

/** Where the house's worker hears the outside. */
async function doorOf(house: House): Promise<string> {
  const listening = () => /"listening":"([^"]+)"/.exec(house.lines.join(''))?.[1];
  await until(() => listening() !== undefined);
  return listening() ?? '';
}

async function fire(house: House): Promise<{ alertId: string; code: number }> {
  const [alert] = await house.ask<{ alertId: string; code: number }>(
    `insert into nighttrain.alert (rule, severity, sentence, facts, runbook, on_call, paging)
     values ('night-failed', 'error', 'Is this read?', '{}', 'replay-a-day', $1, 'due')
     returning alert_id as "alertId", code::int`,
    [JSON.stringify(ON_CALL)],
  );
  if (!alert) throw new Error('no alert was made');
  return alert;
}

test('an undelivered page is told to the worker by Twilio, the next level is paged at once, and its reply ends it', async () => {
  await using twilio = await TwilioStub.start();
  await using house = await openHouse({ paging: pagingBy(twilio) });
  await house.startWorker();
  twilio.reachBy(PUBLIC_URL, await doorOf(house));
  const { alertId, code } = await fire(house);
  await escalationsOf(house.client).start(alertId);
  const to = (number: string) => twilio.messages.filter(({ params }) => params['To'] === number);
  await until(() => to(ANA).length > 0, 20_000);
  expect(twilio.lastTo(ANA).params['Body']).toContain(`Reply ACK ${code}`);
  // Until the SID has reached the outbox, Twilio's news is of a message that nobody knows.
  await until(
    async () => (await house.ask(`select from nighttrain.alert_delivery where state = 'sent'`)).length > 0,
  );

  expect(await twilio.settle(twilio.lastTo(ANA), 'undelivered', 30_003)).toMatchObject({ status: 204 });
  await until(() => to(BO).length > 0, 20_000);
  const { body } = await twilio.call(`${PUBLIC_URL}/twilio/reply`, twilio.replyParams(BO, `ack ${code}`));
  expect(body).toContain(`${code} is acknowledged`);
  await house.client.workflow.getHandle(`alert/${alertId}`).result();
  expect(
    await house.ask(`select state, acknowledged_by as by from nighttrain.alert where alert_id = $1`, [
      alertId,
    ]),
  ).toEqual([{ state: 'acknowledged', by: 'bo' }]);
  expect([to(ANA).length, to(BO).length]).toEqual([1, 1]);
});

test('a worker whose callback port another program has loads nights all the same, and says what it does not hear', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await until(() => other.listening);
  await using twilio = await TwilioStub.start();
  await using house = await openHouse({ paging: pagingBy(twilio, (other.address() as AddressInfo).port) });
  await house.startWorker();
  await house.put('fares', '2024-03-01.csv', fareLines('2024-03-01', { good: 3 }));
  expect(await house.run('fares', '2024-03-01')).toMatchObject({ state: 'loaded' });
  expect(house.lines.join('')).toContain('this worker hears no replies, callbacks and links');
  other.close();
});

test('a worker takes the callback port over once the one before it has let it go, and gives it back when it is closed', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await until(() => other.listening);
  const { port } = other.address() as AddressInfo;
  await using twilio = await TwilioStub.start();
  await using house = await openHouse();
  const warehouse = await house.open(house.loaderUrl, 'door');
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line) => void lines.push(line) });
  const config = { paging: pagingBy(twilio, port), env: () => undefined };
  const open = () => openDoor({ config, warehouse, escalations: escalationsOf(house.client), log }, 50);
  const [closeOne, closeNever] = [await open(), await open()];
  const hears = async () => (await fetch(`http://127.0.0.1:${port}/ack/x`)).status === 404;
  await closeNever(); // one that never had it ends all the same
  other.close();
  await until(() => hears().catch(() => false));
  expect(lines.filter((line) => line.includes('hears no replies'))).toHaveLength(2);
  const closeTwo = await open();
  await closeOne();
  await until(() => hears().catch(() => false));
  await closeTwo();
  await expect(hears()).rejects.toThrow('fetch failed');
});
