import type { AlertKey } from '../../rules/alert.ts';
import { acknowledge, type Database } from './archive.ts';
import { keyed } from './record.ts';

/**
 * Acknowledges the alert that somebody has seen who was told of it by another way than the archive's. What was found
 * again after that was not seen.
 * @returns whether it is acknowledged by this
 */
export async function acknowledgeSeen(
  database: Database,
  key: AlertKey,
  { by, at }: { readonly by: string; readonly at: string },
): Promise<boolean> {
  const { where, values } = keyed(key);
  const [alert] = await database.query<{ alertId: string }[]>(
    `select alert_id as "alertId" from nighttrain.alert
     where ${where} and state = 'firing' and last_at <= $${values.length + 1}`,
    [...values, at],
  );
  if (!alert) return false;
  const { outcome } = await acknowledge(database, alert, { by, via: 'watchdog' });
  return outcome === 'acknowledged';
}
