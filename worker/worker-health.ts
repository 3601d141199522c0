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

/**
 * Serves a worker's health and metrics. By connections of its own, one to each engine: no question of a monitor takes
 * one from a night. @throws ConfigurationError where the port is taken
 */
export async function openWorkerHealth(parts: WorkerHealthParts): Promise<Health> {
  const { config, loaderUrl, temporal, sdkAddress, isPolling, log } = parts;
  const warehouse = await openWarehouse(loaderUrl, {
    applicationName: 'nighttrain health',
    poolSize: 1,
    longestSilenceMs: LONGEST_ENGINE_MS,
  });
  const client = await connectClient(temporal).catch(async (error: unknown) => {
    await warehouse.destroy();
    throw error;
  });
  const closeEngines = async () => {
    await client.connection.close();
    await warehouse.destroy();
  };
  const metrics = new WorkerMetrics({
    figures: () => inTime(() => nightFigures(warehouse, LONGEST_ENGINE_MS), LONGEST_ENGINE_MS),
    sdkAddress,
    log,
  });
  try {
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
    return {
      url: health.url,
      close: async () => {
        await health.close();
        await closeEngines();
      },
    };
  } catch (error) {
    await closeEngines();
    throw error;
  }
}
