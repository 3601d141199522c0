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
  [MANY_PARTS, 'by steps', 'stopped, and waited for'],
  [2, 'within the task of the workflow', 'waited for'],
])(
  'of %i parts that are transformed %s one is broken: the others are %s, before the attempt is closed',
  async (of, _how, what) => {
    await using house = await openHouse({ datasets: [clients] });
    const { stateAtItsEnd } = await startSlowly(house, day, what === 'waited for');
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

test('small nights whose parts end as their neighbour fails are closed at the first try', async () => {
  await using house = await openHouse({ datasets: [clients] });
  await house.startWorker();
  const days = Array.from({ length: 60 }, (_, index) => new Date(Date.UTC(2024, 8, 1 + index)).toISOString());
  for (const date of days.map((one) => one.slice(0, 10))) {
    await putParts(house, date, 2, ',"');
    const handle = await house.start('clients', date);
    expect(await endingOf(handle)).toMatchObject({ state: 'failed' });
    const { events = [] } = await handle.fetchHistory();
    expect(events?.filter(({ workflowTaskFailedEventAttributes: failed }) => failed)).toEqual([]);
  }
});
