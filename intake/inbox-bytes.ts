import fs from 'node:fs/promises';
import path from 'node:path';
import type { DatasetDay } from '../rules/dataset-day.ts';

/** Bytes that the inbox holds under a day's name, of whatever is there; 0 where nothing is, or cannot be looked at. */
export async function inboxBytes(inbox: string, { dataset, businessDate }: DatasetDay): Promise<number> {
  const folder = path.join(inbox, dataset);
  const names = await fs.readdir(folder).catch((): string[] => []); // whoever reads it next says why
  const ofDay = names.filter((name) => name.startsWith(businessDate));
  const sizes = ofDay.map((name) =>
    fs.stat(path.join(folder, name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((total, size) => total + size, 0);
}
