import type { EntityManager } from 'typeorm';

/**
 * Whether nobody has taken this callback before; it is taken with the caller's transaction. Twilio signs no time: the
 * same request is as good tomorrow, were it not for this.
 */
export async function isFirstCallback(tx: EntityManager, callbackId: string): Promise<boolean> {
  const rows = await tx.query<unknown[]>(
    `insert into nighttrain.alert_callback (callback_id) values ($1) on conflict do nothing returning callback_id`,
    [callbackId],
  );
  return rows.length > 0;
}
