import type { Logger } from 'pino';
import { inTime } from '../alerting/in-time.ts';
import { openWarehouse } from '../warehouse/data-source.ts';
import { nightFigures } from '../warehouse/night-figures.ts';
import type { Config } from './config.ts';
import { openHealth, type Health } from './health.ts';
import { WorkerMetrics } from './metrics.ts';
import { connectClient, type TemporalTarget } from './temporal.ts';

export interface WorkerHealthParts {
  readonly config: Pick<Config, 'monitoring'>;
  readonly loaderUrl: string;
  readonly temporal: TemporalTarget;
  /** Where Temporal's SDK serves its metrics, host:port. */
  readonly sdkAddress: string;
  readonly isPolling: () => boolean;
  readonly log: Logger;
}

/** An engine that takes longer does not answer, for whoever asks whether we are ready. */
const LONGEST_ENGINE_MS = 2_000;
/** Figures of years of nights take their time; Prometheus waits ten seconds for a scrape by default. */
const LONGEST_FIGURES_MS = 8_000;

/**
 * Serves a worker's health and metrics. By connections of its own: no question of a monitor takes one from a night, and
 * no figures keep us from saying that we are ready. @throws ConfigurationError where the port is taken
 */
export async function openWorkerHealth(parts: WorkerHealthParts): Promise<Health> {
  const { config, loaderUrl, temporal, sdkAddress, isPolling, log } = parts;
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  const open = async (applicationName: string, longestSilenceMs: number) => {
    const opened = await openWarehouse(loaderUrl, { applicationName, poolSize: 1, longestSilenceMs });
    closers.push(() => opened.destroy());
    return opened;
  };
  try {
    const warehouse = await open('nighttrain health', LONGEST_ENGINE_MS);
    const ledger = await open('nighttrain figures', LONGEST_FIGURES_MS);
    const client = await connectClient(temporal);
    closers.push(() => client.connection.close());
    const metrics = new WorkerMetrics({
      figures: () => inTime(() => nightFigures(ledger, LONGEST_FIGURES_MS), LONGEST_FIGURES_MS),
      sdkAddress,
      log,
    });
    const health = await openHealth({
      host: config.monitoring.host,
      port: config.monitoring.port,
      portVariable: 'NIGHTTRAIN_HEALTH_PORT',
      isReady: {
        worker: async () => {
          if (!isPolling()) throw new Error('it does not poll');
        },
        PostgreSQL: () => inTime(() => warehouse.query('select'), LONGEST_ENGINE_MS),
        Temporal: () =>
          inTime(
            () => client.workflowService.describeNamespace({ namespace: temporal.namespace }),
            LONGEST_ENGINE_MS,
          ),
      },
      metrics: () => metrics.text(),
      log,
    });
    closers.push(() => health.close());
    return { url: health.url, close };
  } catch (error) {
    await close();
    throw error;
  }
}
