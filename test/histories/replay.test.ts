import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporal } from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { workflowBundle } from '../support/house-worker.ts';

const recorded = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.history'));

test('every kind of workflow has a recorded history', () => {
  for (const kind of ['load-day', 'nightly', 'control', 'sweep', 'escalation']) {
    expect(recorded.filter((name) => name.startsWith(kind))).not.toEqual([]);
  }
});

test('a control that continued as new with requests pending is among them, and the run that got them', async () => {
  const last = (await historyOf('control-continued-as-new.history')).events?.at(-1);
  const first = (await historyOf('control-carried-over.history')).events?.[0];
  for (const attributes of [
    last?.workflowExecutionContinuedAsNewEventAttributes,
    first?.workflowExecutionStartedEventAttributes,
  ]) {
    const carried = JSON.parse(
      Buffer.from(attributes?.input?.payloads?.[0]?.data ?? []).toString(),
    ) as unknown;
    expect(carried).toContainEqual(
      expect.objectContaining({
        kind: 'replayDay',
        payload: expect.objectContaining({ requestId: 'pending' }) as unknown,
      }),
    );
  }
});

test.each(recorded)('a night in flight goes on under the code of today: %s', async (name) => {
  const replayed = Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, await historyOf(name));
  await expect(replayed).resolves.toBeUndefined();
});

async function historyOf(name: string): Promise<temporal.api.history.v1.History> {
  return temporal.api.history.v1.History.decode(await readFile(join(import.meta.dirname, name)));
}
