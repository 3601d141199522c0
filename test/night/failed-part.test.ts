import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { clients } from '../support/datasets.ts';
import { endingOf } from '../support/ending.ts';
import { openHouse, type House } from '../support/house.ts';
import { MANY_PARTS, putParts, startSlowly } from '../support/slow-part.ts';

const day = '2024-12-01';

async function unfinished(house: House): Promise<string[]> {
  const files = await readdir(join(house.folder, 'landing'), { recursive: true });
  return files.filter((name) => name.includes('~'));
}

test.each([
  [MANY_PARTS, 'by steps'],
  [2, 'within the task of the workflow'],
])(
  'of %i parts that are transformed %s one is broken: the others are stopped, and waited for, before the attempt is closed',
  async (of) => {
    await using house = await openHouse({ datasets: [clients] });
    const { stateAtItsEnd } = await startSlowly(house, day);
    await putParts(house, day, of, ',"');
    expect(await house.run('clients', day)).toMatchObject({
      state: 'failed',
      error: { name: 'SourceBroken' },
    });
    expect(stateAtItsEnd()).toBe('running');
    expect(await unfinished(house)).toEqual([]);
  },
);

test('R13: a cancel waits for all parts that are being transformed before the attempt is closed', async () => {
  await using house = await openHouse({ datasets: [clients] });
  const { isAtWork, stateAtItsEnd } = await startSlowly(house, day);
  await putParts(house, day, MANY_PARTS);
  const handle = await house.start('clients', day);
  await isAtWork;
  await handle.cancel();
  expect(await endingOf(handle)).toMatchObject({ state: 'cancelled' });
  expect(stateAtItsEnd()).toBe('running');
  expect(await unfinished(house)).toEqual([]);
});
