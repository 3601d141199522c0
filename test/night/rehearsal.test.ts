import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rehearse } from '../../activities/rehearse.ts';
import { openLandingFolder } from '../../intake/landing-folder.ts';
import type { ReplayInput } from '../../rules/attempt.ts';
import { fares } from '../support/datasets.ts';
import { fareLines } from '../support/fares.ts';
import { shareHouse } from '../support/house.ts';
import { dayOf } from '../support/intake.ts';

const house = shareHouse();

/** What `replay --dry-run` would say of a day. */
async function dryRun(date: string, input: ReplayInput = 'source') {
  const deps = {
    warehouse: await house().open(house().loaderUrl, 'dry run'),
    inbox: join(house().folder, 'inbox'),
    env: () => undefined,
    landing: openLandingFolder(join(house().folder, 'landing')),
    scratch: openLandingFolder(await mkdtemp(join(house().folder, 'scratch-'))),
  };
  const watching = { signal: new AbortController().signal, progress: () => undefined };
  return rehearse(deps, fares, { dataset: 'fares', businessDate: dayOf(date) }, input, watching);
}

/** Everything that a dry run must leave as it was. */
const traces = () =>
  house().ask(
    `select (select count(*) from nighttrain.run_fence) as fences, (select count(*) from nighttrain.attempt) as attempts,
       (select count(*) from nighttrain.quarantine) as rejects, (select count(*) from nighttrain.load_batch) as batches,
       (select count(*) from pg_tables where schemaname in ('warehouse', 'warehouse_history')) as tables`,
  );

test('R10: a dry run tells by key what a replay would change, and changes nothing', async () => {
  const day = '2024-11-01';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 3, amount: 1 }));
  await house().run('fares', day);
  const [header = '', first = '', , third = ''] = fareLines(day, { good: 3, amount: 1 });
  const restated = [header, first, third.replace(',1,', ',5,'), `${day},77,1,`, `${day},78,much,`];
  await house().put('fares', `${day}.csv`, restated);

  const before = await traces();
  const { counts, rejectedByRule, refusal, comparison } = await dryRun(day);
  expect(counts).toEqual({ read: 4, loaded: 3, rejected: 1, discarded: 0, deduplicated: 0 });
  expect(rejectedByRule).toEqual({ 'not-an-integer': 1 });
  expect(refusal).toBeUndefined();
  expect(comparison).toMatchObject({ added: 1, removed: 1, changed: 1, unchanged: 1, stale: 0 });
  expect(comparison.sample).toContainEqual({
    what: 'changed',
    key: { receipt: 3 },
    before: { amount: 1 },
    after: { amount: 5 },
  });
  expect(await traces()).toEqual(before);
});

test('R10: a dry run from landing compares what came then, not what the source says now', async () => {
  const day = '2024-11-02';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 3, amount: 1 }));
  await house().run('fares', day);
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 2, amount: 9 }));
  expect((await dryRun(day, 'landing')).comparison).toMatchObject({
    added: 0,
    removed: 0,
    changed: 0,
    unchanged: 3,
  });
  expect((await dryRun(day)).comparison).toMatchObject({ removed: 1, changed: 2 });
});

test('R2: a dry run of a night that is too bad says that it would be refused', async () => {
  const day = '2024-11-03';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 6, bad: 4 }));
  expect((await dryRun(day)).refusal).toMatchObject({ name: 'Refused' });
});
