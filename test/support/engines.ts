import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEngines, stopEngines, type Engines } from '../../local/engines.ts';
import { removeHome } from '../../local/home.ts';
import { withLock } from '../../local/lock.ts';
import { markOf } from '../../local/processes.ts';
import { ownerOf } from '../../local/server-user.ts';
import { buildProduct } from './product.ts';
import { makeTemplate } from './template.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the superuser of the one PostgreSQL that all test files share, each in databases of its own. */
    databaseUrl: string;
    /** The one Temporal that all test files share, each on task queues and workflow ids of its own. */
    temporalAddress: string;
    /** Of the whole test run, gone at its end. */
    runFolder: string;
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

const options = {
  postgres: true,
  temporal: true,
  env: process.env,
  say: (line: string) => process.stderr.write(`engines: ${line}\n`),
  postgresSettings,
} as const;

/** One PostgreSQL and one Temporal for the whole test run. */
export async function setup(project: TestProject): Promise<void> {
  await endKilledRuns();
  home = await mkdtemp(join(tmpdir(), `nighttrain-test-${process.pid}-`));
  engines = await startEngines(home, options);
  project.provide('databaseUrl', engines.databaseUrl);
  project.provide('temporalAddress', engines.temporalAddress);
  await makeTemplate(engines.databaseUrl, home);
  await buildProduct(home);
  project.provide('runFolder', home);
}

export async function teardown(): Promise<void> {
  await engines?.stop();
  if (home) await removeHome(home);
}

/** Takes down what a test run left that was killed before its teardown. */
async function endKilledRuns(): Promise<void> {
  await withLock(join(tmpdir(), 'nighttrain-test.lock'), { withinMs: 120_000 }, async () => {
    for (const name of await readdir(tmpdir())) {
      const [, pid] = /^nighttrain-(?:test|engines)-(\d+)-/.exec(name) ?? [];
      if (pid === undefined || (await markOf(Number(pid)))) continue;
      const left = join(tmpdir(), name);
      if ((await ownerOf(left)) !== process.getuid?.()) continue;
      for (const one of [left, join(left, 'home')]) await stopEngines(one, options);
      await removeHome(join(left, 'home'));
      await removeHome(left);
    }
  });
}
