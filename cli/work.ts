import { freePorts, LOOPBACK } from '../local/ports.ts';
import { openLog } from '../worker/log.ts';
import { startWorker } from '../worker/run.ts';
import { endRuntime, installRuntime } from '../worker/runtime.ts';
import { secretsOf } from '../worker/secrets.ts';
import { openWorkerHealth } from '../worker/worker-health.ts';
import type { Installation } from './installation.ts';
import type { Output } from './output.ts';
import { untilStopped, type StopRequest } from './signals.ts';

/**
 * Runs a worker until it is asked to stop. In a module of its own: the worker's half of the SDK takes a while to load,
 * and most commands do without. @throws whatever the worker broke by
 * @param onUp told where health and metrics are served
 */
export async function work(
  { config, datasets, databases, temporal }: Installation,
  stop: StopRequest,
  output: Output,
  onUp: (healthUrl: string) => void,
): Promise<void> {
  const { exportsLog: exported } = config.monitoring;
  const { log, close } = openLog(config.logLevel, { secrets: secretsOf(config), exported });
  const [sdkPort = 0] = await freePorts([undefined]);
  const sdkAddress = `${LOOPBACK}:${sdkPort}`;
  installRuntime(log, sdkAddress);
  const { loaderUrl } = databases;
  try {
    const worker = await startWorker({ config, datasets, loaderUrl, temporal, log }).catch(
      async (error: unknown) => {
        await endRuntime();
        throw error;
      },
    );
    const isPolling = () => worker.isPolling;
    const health = await openWorkerHealth({ config, loaderUrl, temporal, sdkAddress, isPolling, log }).catch(
      async (error: unknown) => {
        await worker.stop();
        throw error;
      },
    );
    try {
      if (!stop.signal.aborted) onUp(health.url);
      await untilStopped(worker, stop, output);
    } finally {
      await health.close();
    }
  } finally {
    await close();
  }
}
