import { expect, test } from 'vitest';
import { expireStorage } from '../../activities/sweep-storage.ts';
import { openLandingFolder } from '../../intake/landing-folder.ts';
import { endingOf } from '../support/ending.ts';
import { fareLines } from '../support/fares.ts';
import { shareHouse } from '../support/house.ts';

const house = shareHouse();

/** A small night, which is staged; its attempt ended so long ago. */
async function stagedNight(day: string, hoursAgo: number): Promise<void> {
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 9, bad: 1 }));
  await house().run('fares', day);
  await house().ask(
    `update nighttrain.attempt set started_at = now() - interval '2 days',
       ended_at = now() - make_interval(hours => ${hoursAgo}) where business_date = '${day}'`,
  );
}

test('R19: a day after its end an attempt gives its staged parts back, and nothing else; a dry run says how many', async () => {
  const [over, lately, held] = ['2024-12-11', '2024-12-12', '2024-12-13'];
  await stagedNight(over, 25);
  await stagedNight(lately, 23);
  await stagedNight(held, 25);
  const commit = house().wire.hold('COMMIT');
  await house().signal('replayDay', house().replayPayload('fares', held, { requestId: 'held' }));
  const onItsWay = await commit;

  const landing = openLandingFolder(`${house().folder}/landing`);
  const warehouse = await house().open(house().loaderUrl, 'retention');
  const { log, datasets } = house();
  const expire = (dryRun: boolean) => expireStorage({ warehouse, landing, log, datasets }, { dryRun });
  const before = await landing.list('fares');
  const copy = `fares/${over}/1/staged/part-00001.copy`;
  expect(before).toContain(copy);
  expect(await expire(true)).toMatchObject({ staged: 1, landing: 0 });
  expect(await landing.list('fares')).toEqual(before);
  expect(await expire(false)).toMatchObject({ staged: 1, landing: 0 });
  expect(await landing.list('fares')).toEqual(before.filter((key) => key !== copy));
  expect(await expire(true)).toMatchObject({ staged: 0, landing: 0 });

  await onItsWay.release();
  const { answer } = await house().answerTo('held');
  expect(await endingOf(house().load('fares', held, answer.split(' run ')[1]))).toMatchObject({
    state: 'loaded',
  });
});

test('R10: what landed is staged anew for a replay once the staged parts are gone', async () => {
  const day = '2024-12-14';
  await stagedNight(day, 25);
  const landing = openLandingFolder(`${house().folder}/landing`);
  const warehouse = await house().open(house().loaderUrl, 'replay');
  const { log, datasets } = house();
  await expireStorage({ warehouse, landing, log, datasets });
  await house().signal(
    'replayDay',
    house().replayPayload('fares', day, { requestId: 'again', input: 'landing' }),
  );
  const { answer } = await house().answerTo('again');
  expect(await endingOf(house().load('fares', day, answer.split(' run ')[1]))).toMatchObject({
    state: 'loaded',
    receipt: { counts: { loaded: 9 } },
  });
});
