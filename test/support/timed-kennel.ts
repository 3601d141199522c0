import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { Spool } from '../../alerting/alarm/spool.ts';
import { acknowledgeWatch, watchFiles } from '../../alerting/watchdog/watch-ack.ts';
import { WatchJournal } from '../../alerting/watchdog/watch-journal.ts';
import type { Found, Seen } from '../../alerting/watchdog/watch-state.ts';
import { Watchdog } from '../../alerting/watchdog/watchdog.ts';
import { WatchdogMetrics } from '../../cli/watchdog/metrics.ts';
import type { AlertRule } from '../../rules/alert-rules.ts';
import type { OnCall } from '../../rules/on-call.ts';
import { seriesIn } from './metrics.ts';
import { ON_CALL } from './on-call.ts';
import { RecordingChannel } from './recorded-pages.ts';

/** Whom ON_CALL has called first, and then. */
export const ADA = '+33612345678';
export const GRACE = 'grace@example.com';

export const POSTGRES: Found = found('warehouse-down', 'PostgreSQL does not answer', true);
export const TEMPORAL: Found = found('temporal-down', 'Temporal does not answer', true);
export const DISK: Found = found('disk-full', 'The disk is full', false);
export const WORKERS: Found = found('worker-down', 'No worker answers', true);
export const WORKER_A: Found = {
  ...found('worker-down', 'The worker at a does not answer', false),
  subject: 'a',
};
export const PAUSED: Found = found('schedule-paused', 'A schedule is paused', false);

function found(rule: AlertRule, sentence: string, breaksThePath: boolean): Found {
  return { subject: '', finding: { rule, dataset: null, businessDate: null, sentence }, breaksThePath };
}

/** A watchdog whose checks see what the test says, at the test's own time. */
export class TimedKennel {
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

  static async open(): Promise<TimedKennel> {
    const home = await mkdtemp(join(tmpdir(), 'nighttrain-kennel-'));
    onTestFinished(() => rm(home, { recursive: true, force: true }));
    return new TimedKennel(home);
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
