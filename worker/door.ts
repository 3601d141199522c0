import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Escalations } from '../activities/deps.ts';
import { describe } from '../rules/errors.ts';
import type { Config } from './config.ts';

/** While workers are replaced one by one, the port is free once the one before has drained. */
const RETRY_MS = 30_000;

/**
 * Opens the door for calls from outside, where one is configured. A worker whose port another one has goes on without,
 * and takes its place as soon as it can: one of them hears for all, and nights are loaded whoever hears.
 * @returns what closes it
 */
export async function openDoor(
  parts: {
    readonly config: Pick<Config, 'paging' | 'env'>;
    readonly warehouse: DataSource;
    readonly escalations: Escalations;
    readonly log: Logger;
  },
  retryMs = RETRY_MS,
): Promise<() => Promise<void>> {
  const { config, warehouse, escalations, log } = parts;
  const { callbacks, twilioAuthToken } = config.paging;
  if (!callbacks) return () => Promise.resolve();
  const { openCallbacks } = await import('../alerting/callbacks/callbacks.ts'); // a third of a second: Twilio's SDK
  const open = async () => {
    const door = await openCallbacks({
      ...callbacks,
      warehouse,
      twilioAuthToken,
      env: config.env,
      alertChanged: (alertId) => escalations.alertChanged(alertId),
      deliveryChanged: (alertId) => escalations.deliveryChanged(alertId),
      log,
    });
    log.info({ listening: door.url, publicUrl: callbacks.publicUrl }, 'the outside can call back');
    return door;
  };
  const first = await open().catch((error: unknown) => {
    log.error(
      { error: describe(error), retryMs },
      'this worker hears no replies, callbacks and links for now',
    );
    return undefined;
  });
  const closing = new AbortController();
  const opening = first ? Promise.resolve(first) : openLater(open, retryMs, closing.signal);
  return async () => {
    closing.abort();
    await (await opening)?.close();
  };
}

/** Tries again until it is open; undefined where it is to be closed first. That it is still taken was said once. */
async function openLater<Door>(
  open: () => Promise<Door>,
  retryMs: number,
  closing: AbortSignal,
): Promise<Door | undefined> {
  while (!closing.aborted) {
    await wait(retryMs, undefined, { signal: closing }).catch(() => undefined); // to be closed: seen below
    const door = closing.aborted ? undefined : await open().catch(() => undefined);
    if (door) return door;
  }
  return undefined;
}
