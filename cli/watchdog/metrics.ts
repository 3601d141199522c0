import { statfs } from 'node:fs/promises';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Spool } from '../../alerting/alarm/spool.ts';
import type { DeadMan } from '../../alerting/watchdog/dead-man.ts';
import { isOn, isUnanswered } from '../../alerting/watchdog/watch-state.ts';
import type { Watchdog } from '../../alerting/watchdog/watchdog.ts';

/** What the watchdog serves at /metrics. */
export class WatchdogMetrics {
  readonly #watchdog: Watchdog;
  readonly #deadMan: DeadMan | undefined;
  readonly #spool: Spool;
  readonly #home: string;
  readonly #registry = new Registry();
  readonly #good = this.#gauge(
    'nighttrain_watchdog_check_good',
    'Whether the last look found nothing wrong',
    ['check'],
  );
  readonly #lookedAt = this.#gauge(
    'nighttrain_watchdog_last_look_timestamp_seconds',
    'When it last looked',
    [],
  );
  readonly #troubles = this.#gauge(
    'nighttrain_watchdog_troubles',
    'What several looks in a row have found',
    [],
  );
  readonly #calls = this.#gauge(
    'nighttrain_watchdog_calls',
    'Pages of its own that nobody has acknowledged',
    [],
  );
  readonly #spooled = this.#gauge(
    'nighttrain_spool_files',
    'Findings that wait until a worker of this home takes them over',
    [],
  );
  readonly #beatAt = this.#gauge(
    'nighttrain_watchdog_deadman_timestamp_seconds',
    'When the dead-man URL last took its call',
    [],
  );
  readonly #free = this.#gauge('nighttrain_home_free_bytes', 'Free on the disk of NIGHTTRAIN_HOME', []);

  constructor(watchdog: Watchdog, deadMan: DeadMan | undefined, spool: Spool, home: string) {
    this.#watchdog = watchdog;
    this.#deadMan = deadMan;
    this.#spool = spool;
    this.#home = home;
    collectDefaultMetrics({ register: this.#registry });
  }

  /** In Prometheus' text format. */
  async text(): Promise<string> {
    const { seen, lookedAt = 0, state } = this.#watchdog;
    this.#good.reset();
    for (const [check, { is }] of seen)
      if (is !== 'unknown') this.#good.set({ check }, is === 'good' ? 1 : 0);
    this.#lookedAt.set(lookedAt / 1000);
    this.#troubles.set(state.troubles.filter(isOn).length);
    this.#calls.set(state.calls.filter(isUnanswered).length);
    this.#spooled.set((await this.#spool.figures()).waiting);
    this.#beatAt.set((this.#deadMan?.takenAt ?? 0) / 1000);
    const { bavail, bsize } = await statfs(this.#home);
    this.#free.set(bavail * bsize);
    return this.#registry.metrics();
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: Label[]): Gauge<Label> {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] });
  }
}
