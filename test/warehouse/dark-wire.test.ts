import { expect, test } from 'vitest';
import { warehouseError } from '../../warehouse/failure.ts';
import { openHouse } from '../support/house.ts';

test('R14: of a wire that went dark a pool waits seconds, and no longer, for an answer; of a slow statement it waits for it', async () => {
  await using house = await openHouse();
  const slow = await house.open(house.loaderUrl, 'slow');
  const dark = await house.open(house.loaderUrl, 'dark');
  await dark.query('select 1');
  const answer = slow.query("select pg_sleep(13), 'done' as said"); // longer than the silence that makes us look
  await expect
    .poll(() => house.ask("select from pg_stat_activity where query like 'select pg_sleep%'"))
    .toHaveLength(1);
  house.wire.silence({ except: 'slow' });
  const startedAt = performance.now();
  const [asked, queued] = await Promise.allSettled([dark.query('select 2'), dark.query('select 3')]);
  expect(performance.now() - startedAt).toBeLessThan(15_000);
  for (const { reason } of [asked, queued] as PromiseRejectedResult[]) {
    // The one had the only connection of its pool, the other waited for that.
    expect(warehouseError(reason, 'Asking')).toMatchObject({ name: 'WarehouseUnavailable', retryable: true });
  }
  expect(await dark.query('select 4 as four')).toEqual([{ four: 4 }]);
  expect(await answer).toMatchObject([{ said: 'done' }]);
  house.wire.mend(); // PostgreSQL knows no more of the dark wire than we did
});
