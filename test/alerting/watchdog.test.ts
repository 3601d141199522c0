import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Spool } from '../../alerting/alarm/spool.ts';
import { acknowledgeWatch, watchFiles } from '../../alerting/watchdog/watch-ack.ts';
import { WatchJournal } from '../../alerting/watchdog/watch-journal.ts';
import type { Found, Seen } from '../../alerting/watchdog/watch-state.ts';
import { Watchdog } from '../../alerting/watchdog/watchdog.ts';
import { WatchdogMetrics } from '../../cli/watchdog/metrics.ts';
import type { AlertRule } from '../../rules/alert-rules.ts';
import { ChannelUnavailable } from '../../rules/errors.ts';
import type { OnCall } from '../../rules/on-call.ts';
import { seriesIn } from '../support/metrics.ts';
import { ON_CALL } from '../support/on-call.ts';
import { RecordingChannel } from '../support/recorded-pages.ts';

const MINUTE_MS = 60_000;

const POSTGRES: Found = found('warehouse-down', 'PostgreSQL does not answer', true);
const TEMPORAL: Found = found('temporal-down', 'Temporal does not answer', true);
const DISK: Found = found('disk-full', 'The disk is full', false);
const WORKERS: Found = found('worker-down', 'No worker answers', true);
const WORKER_A: Found = { ...found('worker-down', 'The worker at a does not answer', false), subject: 'a' };
const PAUSED: Found = found('schedule-paused', 'A schedule is paused', false);

function found(rule: AlertRule, sentence: string, breaksThePath: boolean): Found {
  return { subject: '', finding: { rule, dataset: null, businessDate: null, sentence }, breaksThePath };
}

/** A watchdog whose checks see what the test says, at the test's own time. */
class Kennel {
  readonly sms = new RecordingChannel('sms', 'sent');
  readonly email = new RecordingChannel('email', 'sent');
  readonly files: ReturnType<typeof watchFiles>;
  readonly spool: Spool;
  onCall: OnCall | undefined = ON_CALL;
  now = Date.parse('2026-03-01T02:00:00Z');
  readonly #sees = new Map<string, Seen>();
  #watchdog: Promise<Watchdog>;

  private constructor(home: string) {
    this.files = watchFiles(home);
    this.spool = new Spool(join(home, 'spool'));
    this.#watchdog = this.#start();
  }

  static async open(): Promise<Kennel> {
    const home = await mkdtemp(join(tmpdir(), 'nighttrain-kennel-'));
    onTestFinished(() => rm(home, { recursive: true, force: true }));
    return new Kennel(home);
  }

  sees(check: string, ...what: readonly Found[]): void {
    this.#sees.set(check, what.length > 0 ? { is: 'bad', found: what } : { is: 'good' });
  }

  /** So many looks, ten seconds apart. */
  async look(times = 1): Promise<void> {
    for (let look = 0; look < times; look++) {
      await (await this.#watchdog).look(new AbortController().signal);
      this.now += 10_000;
    }
  }

  /** Its process dies; another is started. */
  restart(): void {
    this.#watchdog = this.#start();
  }

  async acknowledge(): Promise<void> {
    await acknowledgeWatch(this.files.ack, { by: 'ada', at: new Date(this.now).toISOString() });
  }

  /** What it serves to Prometheus. */
  async metric(name: string): Promise<number | undefined> {
    const metrics = new WatchdogMetrics(await this.#watchdog, undefined, this.spool, tmpdir());
    return seriesIn(await metrics.text(), name);
  }

  /** Who was told what, in order. */
  get told(): string[] {
    return [...this.sms.sent, ...this.email.sent]
      .toSorted((a, b) => a.at - b.at)
      .map(({ address, page }) => `${address}: ${page.sentence}`);
  }

  async spooled(): Promise<string[]> {
    const files = await this.spool.waiting();
    const findings = await Promise.all(files.map((file) => this.spool.read(file)));
    return findings.map((one) => {
      const isSeen = one?.seen === undefined ? '' : ` seen by ${one.seen.by}`;
      return `${one?.finding.rule}${isSeen}${one?.overAt === undefined ? '' : ' over'}`;
    });
  }

  async takeOver(): Promise<void> {
    for (const file of await this.spool.waiting()) await this.spool.drop(file);
  }

  async #start(): Promise<Watchdog> {
    const log = pino({ level: 'silent' });
    const journal = new WatchJournal(this.files.journal, log);
    const watchdog = new Watchdog({
      checks: ['PostgreSQL', 'Temporal', 'worker', 'disk'].map((name) => ({
        name,
        ask: () => Promise.resolve(this.#sees.get(name) ?? { is: 'good' }),
      })),
      looksInARow: 3,
      everyMs: 10_000,
      spool: this.spool,
      journal,
      ackFile: this.files.ack,
      beat: () => Promise.resolve(),
      channels: { sms: this.sms, email: this.email },
      env: () => undefined,
      onCall: () => this.onCall,
      now: () => this.now,
      log,
    });
    watchdog.state = await journal.read();
    return watchdog;
  }
}

const ADA = '+33612345678';
const GRACE = 'grace@example.com';

describe('what is believed', () => {
  test('what two looks in a row have found is nothing yet; at the third it is spooled, and the first level is paged', async () => {
    const kennel = await Kennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(2);
    expect([await kennel.spooled(), kennel.told]).toEqual([[], []]);
    await kennel.look();
    expect([await kennel.spooled(), kennel.told]).toEqual([
      ['warehouse-down'],
      [`${ADA}: PostgreSQL does not answer`],
    ]);
  });

  test('what comes and goes is never believed', async () => {
    const kennel = await Kennel.open();
    for (let turn = 0; turn < 5; turn++) {
      kennel.sees('PostgreSQL', POSTGRES);
      await kennel.look(2);
      kennel.sees('PostgreSQL');
      await kennel.look();
    }
    expect([await kennel.spooled(), kennel.told]).toEqual([[], []]);
  });

  test('what is found together is one page, the worst first', async () => {
    const kennel = await Kennel.open();
    kennel.sees('Temporal', TEMPORAL);
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(9);
    expect(kennel.told).toHaveLength(1);
    expect(kennel.told[0]).toContain('PostgreSQL does not answer. Also: Temporal does not answer');
  });
});

describe('who is paged', () => {
  test('where a worker takes the finding over, the archive pages and the watchdog does not', async () => {
    const kennel = await Kennel.open();
    kennel.sees('disk', DISK);
    await kennel.look(3);
    expect(await kennel.spooled()).toEqual(['disk-full']);
    await kennel.takeOver();
    await kennel.look(60);
    expect([await kennel.spooled(), kennel.told]).toEqual([[], []]);
  });

  test('where nobody takes it over for three minutes, the watchdog pages', async () => {
    const kennel = await Kennel.open();
    kennel.sees('disk', DISK);
    await kennel.look(3 + 17);
    expect(kennel.told).toEqual([]);
    await kennel.look(3);
    expect(kennel.told).toEqual([`${ADA}: The disk is full`]);
  });

  test('without an answer the next level is paged, then nobody is left', async () => {
    const kennel = await Kennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(3 + 59);
    expect(kennel.told).toHaveLength(1);
    await kennel.look(2);
    expect(kennel.told).toEqual([
      `${ADA}: PostgreSQL does not answer`,
      `${GRACE}: PostgreSQL does not answer`,
    ]);
    await kennel.look(300);
    expect(kennel.told).toHaveLength(2);
  });

  test('a level of which nobody can be reached is no level: the next is paged at once', async () => {
    const kennel = await Kennel.open();
    kennel.sms.obstacles.set(ADA, () => Promise.reject(new ChannelUnavailable('Twilio does not answer')));
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(3);
    expect(kennel.told).toEqual([`${GRACE}: PostgreSQL does not answer`]);
  });

  test('who acknowledges is the last who is paged, and hears when it is over', async () => {
    const kennel = await Kennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(3);
    await kennel.acknowledge();
    await kennel.look(300);
    expect(kennel.told).toHaveLength(1);
    kennel.sees('PostgreSQL');
    await kennel.look();
    expect(kennel.told[1]).toBe(`${ADA}: Over: PostgreSQL does not answer (for 51 min)`);
  });

  test('who acknowledges has the archive know it, also of what waits in the spool and of what nobody was left to answer', async () => {
    const kennel = await Kennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    kennel.sees('disk', DISK);
    await kennel.look(3);
    expect(await kennel.metric('nighttrain_watchdog_calls')).toBe(1);
    expect(await kennel.metric('nighttrain_spool_files')).toBe(2);
    await kennel.look(200);
    expect(kennel.told, 'nobody is left').toHaveLength(2);
    expect(await kennel.metric('nighttrain_watchdog_calls')).toBe(1);
    await kennel.acknowledge();
    await kennel.look();
    expect(await kennel.metric('nighttrain_watchdog_calls')).toBe(0);
    const seen = ['disk-full seen by ada', 'warehouse-down seen by ada'];
    expect((await kennel.spooled()).toSorted()).toEqual(seen);
    kennel.restart();
    await kennel.look();
    expect((await kennel.spooled()).toSorted()).toEqual(seen);
  });

  test('an acknowledgement of last week silences nothing', async () => {
    const kennel = await Kennel.open();
    await kennel.acknowledge();
    kennel.now += 7 * 24 * 60 * MINUTE_MS;
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(3 + 60);
    expect(kennel.told).toHaveLength(2);
  });

  test('nobody is paged about what the on-call file calls quiet, nor where there is none; it is spooled all the same', async () => {
    const kennel = await Kennel.open();
    kennel.sees('PostgreSQL', PAUSED);
    await kennel.look(60);
    kennel.onCall = undefined;
    kennel.sees('Temporal', TEMPORAL);
    await kennel.look(60);
    expect(kennel.told).toEqual([]);
    expect(await kennel.spooled()).toEqual(['schedule-paused', 'temporal-down']);
  });
});

describe('what is over', () => {
  test('whoever was paged is told once, and the archive takes it over as over', async () => {
    const kennel = await Kennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(5);
    kennel.sees('PostgreSQL');
    await kennel.look(5);
    expect(kennel.told).toEqual([
      `${ADA}: PostgreSQL does not answer`,
      `${ADA}: Over: PostgreSQL does not answer (for 1 min)`,
    ]);
    expect(kennel.sms.sent.map(({ page }) => page.isOver ?? false)).toEqual([false, true]);
    expect(await kennel.spooled()).toEqual(['warehouse-down over']);
  });

  test('of one worker nobody is told that it is over while no worker answers', async () => {
    const kennel = await Kennel.open();
    kennel.sees('worker', WORKER_A);
    await kennel.look(3);
    await kennel.takeOver(); // by the other worker, which has people paged
    await kennel.look();
    kennel.sees('worker', WORKERS);
    await kennel.look(3);
    expect([await kennel.spooled(), kennel.told]).toEqual([['worker-down'], [`${ADA}: No worker answers`]]);
    kennel.sees('worker', WORKER_A);
    await kennel.look(3);
    expect(kennel.told.slice(1)).toEqual([expect.stringContaining('Over: No worker answers')]);
    expect(await kennel.spooled()).toEqual(['worker-down over']);
  });

  test('whoever could not be told hears it once their provider is back, and nobody hears it twice', async () => {
    const kennel = await Kennel.open();
    kennel.onCall = { ...ON_CALL, levels: [{ people: ['ada', 'grace'], timeoutMs: 600_000 }] };
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(3);
    kennel.sms.obstacles.set(ADA, () => Promise.reject(new ChannelUnavailable('Twilio does not answer')));
    kennel.sees('PostgreSQL');
    await kennel.look(10);
    kennel.restart();
    await kennel.look(10);
    const over = () => kennel.told.filter((one) => one.includes('Over: ')).map((one) => one.split(':')[0]);
    expect(over()).toEqual([GRACE]);
    kennel.sms.obstacles.clear();
    await kennel.look(20);
    expect(new Set(over())).toEqual(new Set([ADA, GRACE]));
    expect(over()).toHaveLength(2);
  });

  test('whoever cannot be told for an hour is left alone', async () => {
    const kennel = await Kennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(3);
    let calls = 0;
    kennel.sms.obstacles.set(ADA, () => Promise.reject(new ChannelUnavailable(`call ${++calls}`)));
    kennel.sees('PostgreSQL');
    await kennel.look(500);
    expect(calls).toBeGreaterThan(30);
    expect(calls).toBeLessThan(70);
    kennel.sms.obstacles.clear();
    await kennel.look(20);
    expect(kennel.told).toHaveLength(1);
  });

  test('what happens again is news', async () => {
    const kennel = await Kennel.open();
    for (let time = 0; time < 2; time++) {
      kennel.sees('PostgreSQL', POSTGRES);
      await kennel.look(5);
      kennel.sees('PostgreSQL');
      await kennel.look(5);
    }
    expect(kennel.told).toHaveLength(4);
  });

  test('of two that were paged together, people hear once both are over', async () => {
    const kennel = await Kennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    kennel.sees('Temporal', TEMPORAL);
    await kennel.look(3);
    kennel.sees('PostgreSQL');
    await kennel.look(3);
    expect(kennel.told).toHaveLength(1);
    kennel.sees('Temporal');
    await kennel.look(1);
    expect(kennel.told[1]).toContain(
      'Over: PostgreSQL does not answer (for 1 min). Temporal does not answer',
    );
  });
});

describe('a watchdog that is started again in mid-outage', () => {
  test('pages nobody twice, and goes on with the next level when its time has come', async () => {
    const kennel = await Kennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(4);
    for (let start = 0; start < 5; start++) {
      kennel.restart();
      await kennel.look(4);
    }
    expect(kennel.told).toHaveLength(1);
    expect(await kennel.spooled()).toEqual(['warehouse-down']);
    kennel.now += 10 * MINUTE_MS;
    kennel.restart();
    await kennel.look();
    expect(kennel.told).toHaveLength(2);
  });

  test('calls whom the one before had not called yet, and only those', async () => {
    const kennel = await Kennel.open();
    kennel.onCall = { ...ON_CALL, levels: [{ people: ['ada', 'grace'], timeoutMs: 600_000 }] };
    kennel.email.obstacles.set(GRACE, () => new Promise(() => undefined)); // its process dies meanwhile
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(2);
    void kennel.look();
    await expect.poll(() => kennel.told).toEqual([`${ADA}: PostgreSQL does not answer`]);
    await expect
      .poll(async () =>
        JSON.stringify(
          (await new WatchJournal(kennel.files.journal, pino({ level: 'silent' })).read()).calls,
        ),
      )
      .toContain('"state":"told"');
    kennel.email.obstacles.clear();
    kennel.restart();
    await kennel.look();
    expect(kennel.told).toEqual([
      `${ADA}: PostgreSQL does not answer`,
      `${GRACE}: PostgreSQL does not answer`,
    ]);
  });

  test('says that it is over where it ended meanwhile', async () => {
    const kennel = await Kennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(4);
    kennel.sees('PostgreSQL');
    kennel.restart();
    await kennel.look();
    expect(kennel.told[1]).toContain('Over: ');
  });

  test('goes on without a journal that was cut short', async () => {
    const kennel = await Kennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(3);
    await writeFile(kennel.files.journal, '{"troubles": [');
    kennel.restart();
    await kennel.look(3);
    expect(kennel.told).toHaveLength(2);
    expect(await readdir(join(kennel.files.journal, '..'))).toEqual(['journal.json']);
  });
});
