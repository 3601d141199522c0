import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporal } from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { workflowBundle } from '../support/house-worker.ts';

const recorded = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.history'));

test('every kind of workflow has a recorded history', () => {
  for (const kind of ['load-day', 'nightly', 'control', 'sweep']) {
    expect(recorded.filter((name) => name.startsWith(kind))).not.toEqual([]);
  }
});

test.each(recorded)('a night in flight goes on under the code of today: %s', async (name) => {
  const history = temporal.api.history.v1.History.decode(await readFile(join(import.meta.dirname, name)));
  const replayed = Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history);
  await expect(replayed).resolves.toBeUndefined();
});
