import { expect, test } from 'vitest';
import { endingOf, receiptOf } from '../support/ending.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse } from '../support/house.ts';
import { EVERY_STEP } from './faults-worker.ts';
import { shareScene, WHOLE_BY_ITSELF } from './share-scene.ts';

const scene = shareScene();

test.each(EVERY_STEP)('R1, R8, R9: kill -9 at %s, and another worker ends the night', async (moment) => {
  expect(await scene.strike({ fault: 'kill-9', moment })).toMatchObject(WHOLE_BY_ITSELF);
});

test('R8: kill -9 while COMMIT runs: it arrives when its sender is dead, and is not loaded twice', async () => {
  const outcome = await scene.strike({ fault: 'kill-9', moment: 'COMMIT' }, 2);
  expect(outcome).toMatchObject({ ...WHOLE_BY_ITSELF, choice: 'its last message arrives' });
});

test('R1, R9: a worker as users start it, killed in mid-load, leaves nothing behind, and another one loads the night', async () => {
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
