import { MockActivityEnvironment } from '@temporalio/testing';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { pino } from 'pino';
import { describe, expect, test, vi } from 'vitest';
import { runStep } from '../../activities/step.ts';
import { SourceUnavailable, SourceContractBroken } from '../../rules/errors.ts';

const log = pino({ level: 'silent' });

describe('a step under Temporal', () => {
  test('says with each heartbeat how far it has come', async () => {
    const activity = new MockActivityEnvironment();
    const beats: unknown[] = [];
    activity.on('heartbeat', (details) => beats.push(details));
    await activity.run(() =>
      runStep(log, async ({ progress }) => {
        progress({ rows: 7 });
        await vi.waitUntil(() => beats.length > 0, { timeout: 5_000 });
      }),
    );
    expect(beats).toContainEqual({ rows: 7 });
  });

  test('that is cancelled ends as cancelled, whatever its work threw', async () => {
    const activity = new MockActivityEnvironment();
    const run = activity.run(() =>
      runStep(log, async ({ signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        throw new Error('terminating connection due to administrator command');
      }),
    );
    activity.cancel();
    await expect(run).rejects.toBeInstanceOf(CancelledFailure);
  });

  test.each([
    [
      'is tried again, no sooner than the source asked',
      new SourceUnavailable('429', { retryAfterMs: 9_000 }),
      false,
      9_000,
    ],
    ['is final where trying again cannot help', new SourceContractBroken('no header'), true, undefined],
  ])('that fails %s', async (_, error, nonRetryable, nextRetryDelay) => {
    const run = new MockActivityEnvironment().run(() => runStep(log, () => Promise.reject(error)));
    const failure: unknown = await run.catch((caught: unknown) => caught);
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({ type: error.name, nonRetryable, nextRetryDelay });
  });
});
