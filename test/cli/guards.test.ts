import { expect, test } from 'vitest';
import { openInstallation } from '../support/installation.ts';
import { unguarded } from '../support/unguarded.ts';

test('R15: doctor names the guards that are missing, and migrate puts back those of tables', async () => {
  await using here = await openInstallation();
  expect((await here.run(['migrate', '--bootstrap'])).code).toBe(0);
  const guards = async () => {
    const { checks } = await here.json<{ checks: { check: string; level: string; found: string }[] }>([
      'doctor',
    ]);
    return checks.find(({ check }) => check === 'guards');
  };
  expect(await guards()).toMatchObject({ level: 'ok' });

  await unguarded(here.database, 'drop trigger guard on nighttrain.load_batch');
  await here.ask('drop event trigger nighttrain_guard_ddl');
  expect(await guards()).toMatchObject({
    level: 'warn',
    found: expect.stringMatching(
      /^event trigger nighttrain_guard_ddl is missing: .+\nnighttrain.load_batch has no guard$/,
    ) as string,
  });
  expect((await here.run(['migrate'])).code).toBe(0);
  expect(await guards()).toMatchObject({ found: expect.stringMatching(/^event trigger [^\n]+$/) as string });
  expect((await here.run(['migrate', '--bootstrap'])).code).toBe(0);
  expect(await guards()).toMatchObject({ level: 'ok' });
}, 120_000);
