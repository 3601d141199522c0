import fs, { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { extract } from '../../intake/extract.ts';
import { personDataset } from '../support/csv.ts';
import { dayOf, openIntake, refusalOf } from '../support/intake.ts';

test('a day whose last part finds the landing store full leaves none of its parts there, and lands once there is room', async () => {
  const house = await openIntake();
  const day = { dataset: 'people', businessDate: dayOf('2013-02-01') };
  for (const part of [1, 2])
    await house.put(`people/2013-02-01-0000${part}-of-00002.csv`, `id,name,age\n${part},Ann,30\n`);
  const open = fs.open;
  // The kernel's own ENOSPC: this device is always full.
  const spy = vi.spyOn(fs, 'open').mockImplementation(async (file, flags) => {
    return String(file).includes('part-00002.csv~') ? open('/dev/full', 'r+') : open(file, flags);
  });
  try {
    const error = await refusalOf(extract(personDataset(), day, 1, house.context));
    expect(error).toMatchObject({
      name: 'LandingFull',
      detail: expect.stringContaining('part-00002') as unknown,
    });
  } finally {
    spy.mockRestore();
  }
  const left = await readdir(join(house.root, 'landing'), { recursive: true, withFileTypes: true });
  expect(left.filter((entry) => entry.isFile())).toEqual([]);
  expect(await extract(personDataset(), day, 1, house.context)).toMatchObject({ parts: 2 });
});
