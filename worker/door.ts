import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Escalations } from '../activities/deps.ts';
import { describe } from '../rules/errors.ts';
import type { Config } from './config.ts';

/**
 * Opens the door for calls from outside, where one is configured. A worker whose port another one has goes on without:
 * one of them hears for all, and nights are loaded whoever hears.
 * @returns what closes it
 */
export async function openDoor(parts: {
  readonly config: Pick<Config, 'paging' | 'env'>;
  readonly warehouse: DataSource;
  readonly escalations: Escalations;
  readonly log: Logger;
}): Promise<() => Promise<void>> {
  const { config, warehouse, escalations, log } = parts;
  const { callbacks, twilioAuthToken } = config.paging;
  if (!callbacks) return () => Promise.resolve();
  const { openCallbacks } = await import('../alerting/callbacks/callbacks.ts'); // a third of a second: Twilio's SDK
  try {
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
    return () => door.close();
  } catch (error) {
    log.error({ error: describe(error) }, 'this worker hears no replies, callbacks and links');
    return () => Promise.resolve();
  }
}
