import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEngines, type Engines } from '../../local/engines.ts';
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

let home: string | undefined;
let engines: Engines | undefined;

/** One PostgreSQL and one Temporal for the whole test run. */
export async function setup(project: TestProject): Promise<void> {
  home = await mkdtemp(join(tmpdir(), 'nighttrain-test-'));
  engines = await startEngines(home, {
    postgres: true,
    temporal: true,
    env: process.env,
    say: (line) => process.stderr.write(`engines: ${line}\n`),
    postgresSettings,
  });
  project.provide('databaseUrl', engines.databaseUrl);
  project.provide('temporalAddress', engines.temporalAddress);
}

export async function teardown(): Promise<void> {
  await engines?.stop();
  if (home) await removeHome(home);
}
