import { createLog, endRuntime, installRuntime } from '../worker/log.ts';
import { startWorker } from '../worker/run.ts';
import type { Installation } from './installation.ts';
import type { Output } from './output.ts';
import { untilStopped, type StopRequest } from './signals.ts';

/**
 * Runs a worker until it is asked to stop. In a module of its own: the worker's half of the SDK takes a while to load,
 * and most commands do without. @throws whatever the worker broke by
 */
export async function work(
  { config, datasets, databases, temporal }: Installation,
  stop: StopRequest,
  output: Output,
  onUp: () => void,
): Promise<void> {
  const log = createLog(config.logLevel);
  installRuntime(log);
  const { loaderUrl } = databases;
  const worker = await startWorker({ config, datasets, loaderUrl, temporal, log }).catch(
    async (error: unknown) => {
      await endRuntime();
      throw error;
    },
  );
  if (!stop.signal.aborted) onUp();
  await untilStopped(worker, stop, output);
}
