import type { RunningWorker } from '../worker/run.ts';
import type { Output } from './output.ts';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Waits until the worker ends by itself or somebody asks for it; a drained worker is a clean end (exit code 0). */
export async function untilStopped(worker: RunningWorker, output: Output): Promise<void> {
  let stopping: Promise<void> | undefined;
  const stop = () => {
    if (stopping) return;
    output.note('Draining: running steps end or roll back; nothing half done stays.');
    stopping = worker.stop();
    stopping.catch(() => undefined); // `done` reports it
  };
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
  try {
    await worker.done;
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, stop);
  }
}
