import { Readable } from 'node:stream';
import type { Deps } from '../../activities/deps.ts';
import { SMALL } from '../../rules/plan.ts';
import type { House } from './house.ts';
import { until } from './intake.ts';

/** More parts than a small night has. */
export const MANY_PARTS = (SMALL.parts ?? 0) + 1;

/** Whoever does not wait for a step that ends this late has closed its attempt by then. */
const LATE_MS = 500;

/**
 * A worker whose first part ends late, and whose second is read only once the first is being written.
 * @param endsByItself nobody has to stop it
 */
export async function startSlowly(house: House, day: string, endsByItself = false) {
  let firstIsAtWork = () => {};
  const isAtWork = new Promise<void>((resolve) => (firstIsAtWork = resolve));
  let stateAtItsEnd: unknown;
  const isClosed = async () => {
    const [attempt] = await house.attempts('clients', day);
    stateAtItsEnd = attempt?.['state'];
    return stateAtItsEnd !== 'running';
  };
  async function* slow(content: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined) {
    for await (const chunk of content) {
      yield chunk;
      firstIsAtWork();
      if (!endsByItself) await new Promise((resolve) => signal?.addEventListener('abort', resolve));
      await until(isClosed, LATE_MS).catch(() => undefined);
    }
  }
  async function* waiting(content: AsyncIterable<Buffer>) {
    await isAtWork;
    yield* content;
  }
  await house.startWorker((deps: Deps) => {
    const { landing } = deps;
    return {
      ...deps,
      landing: {
        ...landing,
        write: (key, content, signal) =>
          key.endsWith('staged/part-00001.copy')
            ? landing.write(key, slow(content, signal))
            : landing.write(key, content, signal),
        read: (key) =>
          key.endsWith('landed/part-00002.csv')
            ? Readable.from(waiting(landing.read(key)), { objectMode: false })
            : landing.read(key),
      },
    };
  });
  return { isAtWork, stateAtItsEnd: () => stateAtItsEnd };
}

/** Clients in parts, which are merged, and each transformed by itself. @param second the end of the second one */
export async function putParts(house: House, day: string, of: number, second = ',London\n'): Promise<void> {
  const five = (number: number) => String(number).padStart(5, '0');
  for (let part = 1; part <= of; part++) {
    const content = `id,name,city\n${part},Ada${part === 2 ? second : ',London\n'}`;
    await house.put('clients', `${day}-${five(part)}-of-${five(of)}.csv`, Buffer.from(content));
  }
}
