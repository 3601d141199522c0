import { expect, test } from 'vitest';
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
