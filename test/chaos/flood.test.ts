import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { openHouse } from '../support/house.ts';
import { until } from '../support/intake.ts';

test('R14: far more requests than control may have children are answered, the first to come first', async () => {
  const day = '2024-09-07';
  await using own = await openHouse();
  await (await own.startWorker()).stop(); // control is there, and nobody works for it
  const workflowId = `load/fares/${day}`;
  const holder = await own.client.workflow.start('loadDay', { workflowId, taskQueue: 'nobody' });
  const ids = Array.from({ length: 2_100 }, () => randomUUID()); // Temporal allows 2,000 open children
  const ask = (requestId: string) => own.signal('replayDay', own.replayPayload('fares', day, { requestId }));
  for (const requestId of ids.slice(0, 100)) await ask(requestId);
  await Promise.all(ids.slice(100).map(ask));
  await own.startWorker();
  const answered = `select count(*)::int as n from nighttrain.request where state = 'refused'`;
  await until(async () => (await own.ask<{ n: number }>(answered))[0]?.n === ids.length, 90_000);
  const first = (await own.requests()).slice(0, 300).map(({ requestId }) => requestId);
  expect(first).toEqual(expect.arrayContaining(ids.slice(0, 100)));
  await holder.terminate();
}, 120_000);
