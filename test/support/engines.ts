import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEngines } from '../../local/engines.ts';
import { removeHome } from '../../local/home.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the superuser of the one PostgreSQL that all test files share, each in databases of its own. */
    databaseUrl: string;
    /** The one Temporal that all test files share, each on task queues and workflow ids of its own. */
    temporalAddress: string;
  }
}

/** Nothing in a test outlives the server, so nothing waits for the disk. */
const postgresSettings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '300',
};

/** One PostgreSQL and one Temporal for the whole test run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const home = await mkdtemp(join(tmpdir(), 'nighttrain-test-'));
  const engines = await startEngines(home, {
    postgres: true,
    temporal: true,
    env: process.env,
    say: (line) => process.stderr.write(`engines: ${line}\n`),
    postgresSettings,
  });
  project.provide('databaseUrl', engines.databaseUrl);
  project.provide('temporalAddress', engines.temporalAddress);
  return async () => {
    await engines.stop();
    await removeHome(home);
  };
}
