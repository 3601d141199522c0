import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { Logger } from 'pino';
import { describe } from '../rules/errors.ts';
import type { NightFigures } from '../warehouse/night-figures.ts';

export interface MetricsParts {
  /** Asks the ledger, within a bound. */
  readonly figures: () => Promise<NightFigures>;
  /** Where Temporal's SDK serves its own, host:port. */
  readonly sdkAddress: string;
  readonly log: Logger;
}

/** However often somebody scrapes, the ledger is asked no more often than this. */
const FRESH_MS = 5_000;
const LONGEST_SDK_MS = 1_000;
const LONGEST_SDK_BYTES = 4 * 1024 * 1024;

/** What a worker serves at /metrics: figures of the ledger, of this process, and of Temporal's SDK. */
export class WorkerMetrics {
  readonly #parts: MetricsParts;
  readonly #registry = new Registry();
  readonly #rows = this.#counter('nighttrain_rows_total', 'Rows of all nights in the ledger', [
    'dataset',
    'outcome',
  ]);
  readonly #attempts = this.#counter('nighttrain_attempts_total', 'Closed attempts by how they ended', [
    'dataset',
    'outcome',
  ]);
  readonly #lastLoaded = this.#gauge(
    'nighttrain_last_loaded_timestamp_seconds',
    'When a night of the dataset was last committed',
    ['dataset'],
  );
  readonly #night = this.#gauge('nighttrain_night_seconds', 'How long the last loaded night took', [
    'dataset',
  ]);
  readonly #alerts = this.#gauge('nighttrain_alerts_open', 'Alerts that are not resolved', ['severity']);
  readonly #ledgerUp = this.#gauge(
    'nighttrain_ledger_up',
    'Whether the ledger could be asked; 0: its figures are those of before',
    [],
  );
  #asked: Promise<void> | undefined;
  #freshUntil = -Infinity;

  constructor(parts: MetricsParts) {
    this.#parts = parts;
    collectDefaultMetrics({ register: this.#registry });
  }

  /** In Prometheus' text format. Whatever cannot be asked in time is left out, or as it was. */
  async text(): Promise<string> {
    const [sdk] = await Promise.all([this.#sdk(), this.#refresh()]);
    return `${await this.#registry.metrics()}${sdk}`;
  }

  /** Many that ask at once have the ledger asked once. */
  #refresh(): Promise<void> {
    if (!this.#asked || performance.now() > this.#freshUntil) {
      this.#freshUntil = Infinity; // who asks meanwhile waits for the same answer
      this.#asked = this.#askLedger().finally(() => (this.#freshUntil = performance.now() + FRESH_MS));
    }
    return this.#asked;
  }

  async #askLedger(): Promise<void> {
    try {
      this.#show(await this.#parts.figures());
      this.#ledgerUp.set(1);
    } catch (error) {
      this.#ledgerUp.set(0);
      this.#parts.log.warn({ error: describe(error) }, 'the ledger does not answer to metrics');
    }
  }

  #show({ datasets, openAlerts }: NightFigures): void {
    for (const metric of [this.#rows, this.#attempts, this.#lastLoaded, this.#night]) metric.reset();
    for (const figures of datasets) {
      const { dataset, lastLoadedSeconds, nightSeconds } = figures;
      for (const outcome of ['loaded', 'rejected', 'discarded', 'deduplicated'] as const) {
        this.#rows.inc({ dataset, outcome }, figures[outcome]);
      }
      for (const outcome of ['loaded', 'refused', 'failed', 'cancelled']) {
        this.#attempts.inc({ dataset, outcome }, figures.attempts[outcome] ?? 0);
      }
      if (lastLoadedSeconds !== null) this.#lastLoaded.set({ dataset }, lastLoadedSeconds);
      if (nightSeconds !== null) this.#night.set({ dataset }, nightSeconds);
    }
    for (const [severity, open] of Object.entries(openAlerts)) this.#alerts.set({ severity }, open);
  }

  async #sdk(): Promise<string> {
    try {
      const answer = await fetch(`http://${this.#parts.sdkAddress}/metrics`, {
        signal: AbortSignal.timeout(LONGEST_SDK_MS),
      });
      const text = await answer.text();
      return answer.ok && text.length <= LONGEST_SDK_BYTES ? text : '';
    } catch (error) {
      this.#parts.log.warn({ error: describe(error) }, "Temporal's SDK does not tell its metrics");
      return '';
    }
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: Label[]): Gauge<Label> {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] });
  }
}
