import { findEngines } from '../local/engines.ts';
import type { Config } from '../worker/config.ts';
import type { Output } from './output.ts';
import type { StopRequest } from './signals.ts';

const LOOK_EVERY_MS = 5_000;
/** So many looks in a row without an answer, and an engine is dead: one may be a moment of work. */
const MISSES = 3;
const FAILED = 1;

/**
 * Says so and stops when an embedded engine has died: a worker without it would wait in silence, and whoever asks would
 * be told to start what seems to run. The next `up` starts the engine over what it left. Call the answer to end the watch.
 */
export function watchEngines(
  { home, databaseUrl, temporalAddress }: Config,
  stop: StopRequest,
  output: Output,
): () => void {
  let misses = 0;
  const look = async () => {
    const found = await findEngines(home);
    const dead = [
      ...(databaseUrl === undefined && !found.databaseUrl ? ['PostgreSQL'] : []),
      ...(temporalAddress === undefined && !found.temporalAddress ? ['Temporal'] : []),
    ];
    misses = dead.length > 0 ? misses + 1 : 0;
    if (misses < MISSES || stop.signal.aborted) return;
    output.note(`${dead.join(' and ')} under ${home} no longer answers; everything is stopped.`);
    output.note('Its log is in that folder. Start again: npx nighttrain up');
    process.exitCode = FAILED;
    stop.now();
  };
  const timer = setInterval(() => {
    look().catch((error: unknown) => output.error(error));
  }, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}
