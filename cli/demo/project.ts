import { chmod, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder with datasets/ and migrations/ that Night Train comes with: this repository, or dist/ once built. */
const OWN_PROJECT = new URL('../../', import.meta.url);

/** A load that falls silent is given up after this long, not after the 30 seconds of a real night: the demo waits. */
const HEARTBEAT_MS = 4_000;

/** Writes a project with the datasets that Night Train comes with, so that whoever keeps it can go on with it. */
export async function writeDemoProject(folder: string): Promise<void> {
  await chmod(folder, 0o711); // PostgreSQL does not run as root: its user must be able to pass
  await mkdir(join(folder, 'datasets'));
  await mkdir(join(folder, 'migrations'));
  const own = fileURLToPath(OWN_PROJECT);
  for (const file of await readdir(join(own, 'datasets'))) {
    const [, name] = /^([a-z][a-z0-9-]*)\.[jt]s$/.exec(file) ?? [];
    if (name === undefined) continue;
    const declared = new URL(`datasets/${file}`, OWN_PROJECT).href;
    await writeFile(join(folder, 'datasets', `${name}.mjs`), datasetThatNoticesSoon(declared));
  }
  for (const file of await readdir(join(own, 'migrations'))) {
    if (file.endsWith('.sql'))
      await copyFile(join(own, 'migrations', file), join(folder, 'migrations', file));
  }
}

function datasetThatNoticesSoon(declared: string): string {
  return `import dataset from '${declared}';

// As it comes with Night Train, but a worker that dies is noticed sooner.
const load = { ...dataset.steps.load, heartbeatMs: ${HEARTBEAT_MS} };
export default { ...dataset, steps: { ...dataset.steps, load } };
`;
}
