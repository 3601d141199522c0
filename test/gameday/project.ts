import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Schedule } from '../../rules/dataset.ts';
import { latestOwed } from '../../rules/night.ts';

/** Nothing falls due while the game day runs: its slot is half a day away. */
const hour = (offset: number) => `${String((new Date().getUTCHours() + offset) % 24).padStart(2, '0')}:30`;
const schedule: Schedule = {
  at: hour(12),
  dueBy: hour(13),
  timeZone: 'UTC',
  cadence: 'daily',
  after: [],
};

/** The last day that the schedules owe. */
export function lastDay(): string {
  return latestOwed(schedule, new Date().toISOString());
}

/** Who is paged. */
export const ON_CALL = '+33611111111';

/** What fails does so at once and for good; silence is noticed late, so that it stays until somebody types something. */
const policy = { timeoutMs: 600_000, heartbeatMs: 300_000, tries: 3, firstRetryMs: 50, longestRetryMs: 200 };
const steps = { extract: policy, transform: policy, load: policy };

const DATASETS: Readonly<Record<string, Schedule | undefined>> = {
  fares: schedule,
  tickets: schedule,
  stations: undefined,
};

/** The project that the game day plays in: some of the tests' datasets, as a user has them in a folder of his own. */
export async function writeProject(root: string): Promise<void> {
  const folder = join(root, 'datasets');
  await mkdir(folder, { recursive: true });
  await writeFile(join(root, 'package.json'), '{"type": "module"}\n');
  const onCall = `people:
  ana: { name: Ana, channels: [{ sms: '${ON_CALL}' }] }
levels:
  - { people: [ana], timeoutMinutes: 30 }
`;
  await writeFile(join(root, 'on-call.yaml'), onCall);
  for (const name of Object.keys(DATASETS)) await writeDataset(root, name);
}

/**
 * Writes the declaration of a dataset.
 * @param mended rules in the place of some columns', as the declaration kit says them
 */
export async function writeDataset(
  root: string,
  name: string,
  mended: Readonly<Record<string, string>> = {},
): Promise<void> {
  const from = (file: string) => JSON.stringify(resolve(import.meta.dirname, file));
  const columns = Object.entries(mended).map(([column, rule]) => `${column}: ${rule}`);
  const text = `import * as kit from ${from('../../rules/kit.ts')};
import { TEST_DATASETS } from ${from('../support/datasets.ts')};
const dataset = TEST_DATASETS.find(({ name }) => name === '${name}');
const columns = { ...dataset.columns, ${columns.join(', ')} };
export default { ...dataset, columns, schedule: ${JSON.stringify(DATASETS[name])}, steps: ${JSON.stringify(steps)} };
`;
  await writeFile(join(root, 'datasets', `${name}.ts`), text);
}
