import { expect, test } from 'vitest';
import { endingOf, receiptOf } from '../support/ending.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse } from '../support/house.ts';

test('R1, R9: a worker killed in mid-load leaves nothing behind, and another one loads the night', async () => {
  const day = '2024-10-01';
  await using house = await openHouse();
  const worker = await house.startWorkerProcess();
  await house.put('fares', `${day}.csv`, fareLines(day, { good: 10 }));
  const held = house.wire.hold('COPY');
  const handle = await house.start('fares', day);
  await held;
  await worker.end('SIGKILL');
  expect(await house.ask('select 1 from warehouse.fare')).toEqual([]);
  await house.startWorker();
  expect(receiptOf(await endingOf(handle))).toMatchObject({ counts: { loaded: 10 }, epoch: 3 });
});
