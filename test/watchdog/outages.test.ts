import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Schedule } from '../../rules/dataset.ts';
import { latestOwed } from '../../rules/night.ts';
import { fareLines } from '../support/fares.ts';
import { ask } from '../support/house-of-engines.ts';
import { until } from '../support/intake.ts';
import { Kennel } from '../support/kennel.ts';
import { keepFigure } from '../support/paging.ts';

/** Two looks a second apart, each of which may wait for an engine; machines that run other tests are slow. */
const PAGED_WITHIN_MS = 25_000;
const PATIENCE_MS = 240_000;

let kennel: Kennel;
beforeAll(async () => {
  kennel = await Kennel.open();
  await kennel.startWatchdog();
}, PATIENCE_MS);
afterAll(() => (kennel as Kennel | undefined)?.[Symbol.asyncDispose]());

/** How an alert of a rule stands in the archive, and how often there is one. */
async function archived(rule: string): Promise<unknown> {
  const { databaseUrl = '' } = await kennel.engines.find();
  return ask(
    databaseUrl,
    `select jsonb_agg(jsonb_build_object('state', state, 'firing', firing, 'paging', paging)) from nighttrain.alert
     where rule = '${rule}'`,
  );
}

const isResolved = (found: unknown) => isDeepStrictEqual(statesOf(found), ['resolved']);
const statesOf = (found: unknown) =>
  (found as readonly { readonly state: string }[]).map(({ state }) => state);

/** Another watchdog in the place of the one that runs. */
async function anotherWatchdog(...options: readonly string[]): Promise<void> {
  kennel.watchdog.kill('SIGTERM');
  await kennel.watchdog.answer();
  await kennel.startWatchdog(...options);
}

/** As the project of the kennel declares it. */
const FARES_SCHEDULE: Schedule = {
  at: '00:00',
  dueBy: '00:01',
  timeZone: 'UTC',
  cadence: 'daily',
  after: [],
};

/** What waits for a worker's sweep need not wait for its minute. */
async function sweptUntil(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const sweepUnless = async () => (await isSo()) || (await kennel.sweep(), false);
  await vi.waitUntil(sweepUnless, { timeout: 150_000, interval: 3_000 });
}

const spool = () => readdir(join(kennel.engines.home, 'spool'));

test(
  'PostgreSQL dies: the watchdog pages, once, however often it is started again; says when it is over; the archive has it once',
  async () => {
    const before = kennel.telephones.told.length;
    const killed = performance.now();
    await kennel.kill('postgres');
    const told = await kennel.toldAfter(before, 'PostgreSQL does not answer', PAGED_WITHIN_MS);
    await keepFigure('PostgreSQL is killed', 'the watchdog (every 1 s, 2 looks)', performance.now() - killed);
    expect(told).toEqual([{ person: 'ana', sentence: 'PostgreSQL does not answer', isOver: false }]);
    expect((await spool()).length).toBeGreaterThan(0);

    await kennel.looks(2); // a provider's answer that is not yet in the journal may mean a second page, never none
    for (let start = 0; start < 2; start++) {
      kennel.watchdog.kill('SIGKILL');
      await kennel.watchdog.answer();
      await kennel.startWatchdog();
      await kennel.looks(4);
    }
    expect(kennel.telephones.told.slice(before), 'nobody was paged again').toHaveLength(1);

    await kennel.startEngines();
    const all = await kennel.toldAfter(before, 'Over: PostgreSQL does not answer', PAGED_WITHIN_MS);
    expect(all.slice(1)).toMatchObject([{ person: 'ana', isOver: true }]);
    await sweptUntil(async () => (await spool()).length === 0);
    expect(await archived('warehouse-down')).toMatchObject([{ state: 'resolved' }]);
  },
  PATIENCE_MS,
);

test(
  'Temporal dies: people are paged and told when it is over; nobody is paged again by the archive',
  async () => {
    const before = kennel.telephones.told.length;
    const killed = performance.now();
    await kennel.kill('temporal');
    const told = await kennel.toldAfter(before, 'Temporal does not answer', PAGED_WITHIN_MS);
    await keepFigure('Temporal is killed', 'the watchdog (every 1 s, 2 looks)', performance.now() - killed);
    expect(told).toMatchObject([{ person: 'ana', isOver: false }]);
    await kennel.startEngines();
    await kennel.toldAfter(before, 'Over: Temporal does not answer', PAGED_WITHIN_MS);
    await sweptUntil(async () => (await spool()).length === 0);
    expect(await archived('temporal-down')).toMatchObject([{ state: 'resolved', firing: 1 }]);
    expect(kennel.telephones.told.slice(before).map(({ sentence }) => sentence)).toEqual([
      'Temporal does not answer',
      expect.stringContaining('Over: Temporal does not answer'),
    ]);
  },
  PATIENCE_MS,
);

test(
  'the worker stands still: people are paged, may acknowledge without any engine, and hear when it goes on',
  async () => {
    const before = kennel.telephones.told.length;
    const frozen = performance.now();
    kennel.worker.kill('SIGSTOP');
    await kennel.toldAfter(before, 'does not answer', PAGED_WITHIN_MS);
    await keepFigure('the worker is frozen', 'the watchdog (every 1 s, 2 looks)', performance.now() - frozen);
    expect(kennel.telephones.told.slice(before)).toMatchObject([{ person: 'ana', isOver: false }]);
    const ack = await kennel.start(['watchdog', 'ack']).answer();
    expect(ack).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Acknowledged: The worker at .* does not answer\n$/) as string,
    });
    await until(() => kennel.watchdog.stderr.includes('the page of the watchdog is acknowledged'), 20_000);
    expect((await kennel.start(['watchdog', 'ack']).answer()).code, 'a second time').toBe(1);
    kennel.worker.kill('SIGCONT');
    await kennel.toldAfter(before, 'Over: The worker at', PAGED_WITHIN_MS);
    await sweptUntil(async () => (await spool()).length === 0);
    expect(await archived('worker-down')).toMatchObject([{ state: 'resolved' }]);
  },
  PATIENCE_MS,
);

test(
  'less is free on the disk than there must be: the alert reaches people by way of the archive, and is over when there is room',
  async () => {
    const before = kennel.telephones.told.length;
    await anotherWatchdog('--min-free', '1000000');
    expect(await kennel.isGood('disk')).toBe(false);
    await sweptUntil(() => kennel.telephones.told.length > before);
    const [told] = await kennel.toldAfter(before, 'The disk of');
    expect(told?.sentence).toMatch(/^The disk of \S+ is full: \d+ MiB free/);
    await anotherWatchdog();
    expect(await kennel.isGood('disk')).toBe(true);
    await sweptUntil(async () => isResolved(await archived('disk-full')));
  },
  PATIENCE_MS,
);

test(
  'the last night that a schedule owes is not there: the watchdog sees it until it is loaded',
  async () => {
    const { databaseUrl = '' } = await kennel.engines.find();
    const before = kennel.telephones.told.length;
    const owed = latestOwed(FARES_SCHEDULE, new Date().toISOString());
    await ask(databaseUrl, `update nighttrain.dataset_policy set scheduled_since = '${owed}'`);
    await until(async () => !(await kennel.isGood('nights')), 20_000);
    await sweptUntil(() => kennel.telephones.told.length > before);
    const [told] = await kennel.toldAfter(before, `fares of ${owed} is not in the warehouse`);
    expect(told).toMatchObject({ person: 'ana', isOver: false });
    const inbox = join(kennel.engines.home, 'inbox', 'fares');
    await mkdir(inbox, { recursive: true });
    await writeFile(join(inbox, `${owed}.csv`), `${fareLines(owed, { good: 3 }).join('\n')}\n`);
    const run = await kennel.start(['run', 'fares', '--date', owed]).answer();
    expect(run).toMatchObject({ code: 0 });
    await until(() => kennel.isGood('nights'), 20_000);
    await sweptUntil(async () => isResolved(await archived('night-missing')));
  },
  PATIENCE_MS,
);

test('a home has one watchdog', async () => {
  const second = await kennel.start(['watchdog']).answer();
  expect(second.code).toBe(2);
  expect(second.stderr).toContain(`runs already, as process ${kennel.watchdog.pid}`);
});

test('the dead-man URL is called, and no line shows it', () => {
  expect(new Set(kennel.telephones.beats)).toEqual(new Set(['/beat/a-secret-of-the-dead']));
  expect(kennel.watchdog.stderr + kennel.watchdog.stdout).not.toContain('a-secret-of-the-dead');
});

test('it says what it sees, and ends at once when it is asked to', async () => {
  const url = /^Health +(\S+)\/readyz/m.exec(kennel.watchdog.stdout)?.[1] ?? '';
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  const text = await (await fetch(`${url}/metrics`)).text();
  for (const check of ['PostgreSQL', 'Temporal', 'worker', 'disk', 'nights']) {
    expect(text).toContain(`nighttrain_watchdog_check_good{check="${check}"} 1`);
  }
  kennel.watchdog.kill('SIGTERM');
  expect((await kennel.watchdog.answer()).code).toBe(0);
});
