import { gzipSync } from 'node:zlib';
import type { WorkflowHandle } from '@temporalio/client';
import { expect, test } from 'vitest';
import type { Deps } from '../../activities/deps.ts';
import type { LandingStore } from '../../intake/landing.ts';
import { LandingFull } from '../../rules/errors.ts';
import { SMALL } from '../../rules/plan.ts';
import { fares } from '../support/datasets.ts';
import { endingOf } from '../support/ending.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse, shareHouse, type House } from '../support/house.ts';

const house = shareHouse();

/** What Temporal was asked to have done, in order: each is a round trip, and one more to go on. */
async function stepsOf(handle: WorkflowHandle): Promise<string[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: step }) =>
    step ? [step.activityType?.name ?? ''] : [],
  );
}

/** The first write of a staged part goes otherwise. */
function stagingOnce(write: (landing: LandingStore, ...of: Parameters<LandingStore['write']>) => unknown) {
  return (deps: Deps): Deps => {
    let isFirst = true;
    const { landing } = deps;
    return {
      ...deps,
      landing: {
        ...landing,
        write: async (...of) => {
          if (isFirst && of[0].includes('/staged/')) {
            isFirst = false;
            await write(landing, ...of);
          }
          return landing.write(...of);
        },
      },
    };
  };
}

async function loadedAt(at: House, day: string): Promise<string[]> {
  await at.put('fares', `${day}.csv`, fareLines(day, { good: 5, bad: 1 }));
  const handle = await at.start('fares', day);
  expect(await endingOf(handle)).toMatchObject({ state: 'loaded', receipt: { counts: { loaded: 5 } } });
  return stepsOf(handle);
}

test('a small night asks Temporal for two steps, its audits included', async () => {
  const audit = {
    name: 'free',
    severity: 'warn',
    sql: 'select receipt from :table where amount = 0',
  } as const;
  await using own = await openHouse({ datasets: [{ ...fares, audits: [audit] }] });
  await own.startWorker();
  expect(await loadedAt(own, '2024-11-05')).toEqual(['extract', 'load']);
  const audited = await own.ask('select audit, rows_found as "rowsFound" from nighttrain.audit_result');
  expect(audited).toEqual([{ audit: 'free', rowsFound: 0 }]);
});

test('a night of more bytes is sorted while it is loaded', async () => {
  const day = '2024-11-01';
  const lines = fareLines(day, { good: 5 });
  await house().put('fares', `${day}.csv`, [...lines, `${day},0,1,${'x'.repeat(SMALL.bytes)}`]);
  const handle = await house().start('fares', day);
  expect(await endingOf(handle)).toMatchObject({ state: 'loaded', receipt: { counts: { rejected: 1 } } });
  expect(await stepsOf(handle)).toEqual(['extract', 'load']);
});

test('a night of many small parts is sorted while it is loaded, however few bytes it has', async () => {
  const day = '2024-11-06';
  const of = (SMALL.parts ?? 0) + 1;
  const part = (number: number) => String(number).padStart(5, '0');
  for (let number = 1; number <= of; number++) {
    const lines = ['day,receipt,amount,note', `${day},${number},100,`];
    await house().put('fares', `${day}-${part(number)}-of-${part(of)}.csv`, lines);
  }
  const handle = await house().start('fares', day);
  expect(await endingOf(handle)).toMatchObject({ state: 'loaded', receipt: { counts: { loaded: of } } });
  expect(await stepsOf(handle)).toEqual(['extract', 'load']);
});

test('a packed night is sorted while it is loaded: what is in it may be many times its bytes', async () => {
  const day = '2024-11-07';
  await house().put('fares', `${day}.csv.gz`, gzipSync(`${fareLines(day, { good: 5 }).join('\n')}\n`));
  const handle = await house().start('fares', day);
  expect(await endingOf(handle)).toMatchObject({ state: 'loaded', receipt: { counts: { loaded: 5 } } });
  expect(await stepsOf(handle)).toEqual(['extract', 'load']);
});

test('a small night that the disk had no room for is transformed as a step, by its plan', async () => {
  await using own = await openHouse();
  await own.startWorker(
    stagingOnce(() => {
      throw new LandingFull('The landing store is full');
    }),
  );
  expect(await loadedAt(own, '2024-11-02')).toEqual(['extract', 'transform', 'load']);
});

test('a small night whose disk hangs holds up nobody for long: it is transformed as a step', async () => {
  await using own = await openHouse();
  await own.startWorker(
    stagingOnce(
      (_landing, _key, _content, signal) =>
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('given up')))),
    ),
  );
  expect(await loadedAt(own, '2024-11-03')).toEqual(['extract', 'transform', 'load']);
});

test('a small night whose file is broken is not tried again', async () => {
  const day = '2024-11-04';
  const whole = Buffer.from(fareLines(day, { good: 50 }).join('\n'));
  await house().put('fares', `${day}.csv`, whole.subarray(0, whole.length - 8));
  const handle = await house().start('fares', day);
  expect(await endingOf(handle)).toMatchObject({ state: 'failed', error: { name: 'SourceBroken' } });
  expect(await stepsOf(handle)).toEqual(['extract']);
});
