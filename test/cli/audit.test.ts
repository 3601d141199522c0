import { afterAll, beforeAll, expect, test } from 'vitest';
import { openInstallation, type TestInstallation } from '../support/installation.ts';
import { unguarded } from '../support/unguarded.ts';

interface Audited {
  readonly passed: boolean;
  readonly audits: readonly { readonly audit: string; readonly rowsFound: number }[];
}

let here: TestInstallation;

beforeAll(async () => {
  here = await openInstallation();
  await here.run(['migrate', '--bootstrap']);
});
afterAll(() => here[Symbol.asyncDispose]());

test('audit run says what was audited and found, works without Temporal, and ends with 1 where it found an error', async () => {
  const whole = await here.run(['audit', 'run'], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
  expect(whole.stdout).toMatch(/chain-broken +the installation +error +0\n[^]*All \d+ audits passed\./);
  expect(whole.code).toBe(0);

  await unguarded(here.database, 'drop trigger guard on nighttrain.quarantine');
  const broken = await here.run(['audit', 'run']);
  expect(broken.stdout).toContain('guards-missing:\n  nighttrain.quarantine has no guard\n');
  expect(broken.stdout).toContain('npx nighttrain runbook show restore-from-backup');
  expect(broken.code).toBe(1);
  const { passed, audits } = await here.json<Audited>(['audit', 'run']);
  expect(passed).toBe(false);
  expect(audits.find(({ audit }) => audit === 'guards-missing')).toMatchObject({ rowsFound: 1 });
  const open = `select rule, state, times from nighttrain.alert where rule = 'guard-missing'`;
  expect(await here.ask(open)).toMatchObject([{ state: 'firing', times: 2 }]);

  expect((await here.run(['migrate'])).code).toBe(0);
  expect((await here.run(['audit', 'run'])).code).toBe(0);
  expect(await here.ask(open)).toMatchObject([{ state: 'resolved' }]);
}, 120_000);

test('audit run points to the runbook of what it found: a month that lacks days is no ledger to restore', async () => {
  await here.up();
  const month = ['--rows', '20', '--from', '2025-04-01']; // of thirty days
  await here.run(['generate', 'insurance', ...month, '--seed', '1', '--out', here.inbox]);
  expect(await here.run(['run', 'insurance-movements', '--date', '2025-04-01'])).toMatchObject({ code: 0 });
  const { code, stdout } = await here.run(['audit', 'run']);
  expect(stdout).toMatch(
    /1 audit of \d+ found something\. What to do:\n {2}npx nighttrain runbook show replay-a-day\n$/,
  );
  expect(code).toBe(0);
}, 120_000);

test('retention --dry-run names every kind that is kept, and removes nothing', async () => {
  const { code, stdout } = await here.run(['retention', '--dry-run']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/kept +would go\n/);
  expect(stdout).toMatch(/rejected rows +0\n/);
  expect(await here.json(['retention'])).toMatchObject({ dryRun: false, expired: { alert: 0, landing: 0 } });
}, 60_000);
