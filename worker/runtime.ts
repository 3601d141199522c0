import { DefaultLogger, type LogEntry, type LogLevel, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';

/**
 * Sends the SDK's own lines the same way. Once in a process.
 * @param metricsAddress where the SDK serves its metrics, host:port; nowhere without it
 */
export function installRuntime(log: Logger, metricsAddress?: string): void {
  const sdk = log.child({ from: 'temporal' });
  const write = ({ level, message, meta }: LogEntry) => sdk[LEVELS[level]]({ ...meta }, message);
  Runtime.install({
    logger: new DefaultLogger('INFO', write),
    // Signals are ours: the worker drains before the engines stop.
    shutdownSignals: [],
    telemetryOptions: {
      logging: { forward: {}, filter: 'temporalio_sdk_core=WARN,temporalio_client=WARN' },
      ...(metricsAddress !== undefined && {
        metrics: {
          prometheus: {
            bindAddress: metricsAddress,
            countersTotalSuffix: true,
            unitSuffix: true,
            useSecondsForDurations: true,
          },
        },
      }),
    },
  });
}

/** Lets go of the SDK's native half, which otherwise keeps a process alive whose worker never started. */
export function endRuntime(): Promise<void> {
  return Runtime.instance().shutdown();
}

const LEVELS: Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'debug', // a worker's own comings and goings are no news to an operator
  WARN: 'warn',
  ERROR: 'error',
};
