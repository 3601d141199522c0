import type { DataSource } from 'typeorm';
import type { Settlement } from '../channels/channel.ts';

/** A provider that keeps an incident of its own for one firing of an alert, and does not know how it stands. */
export interface Untold {
  readonly alertId: string;
  readonly firing: number;
  readonly address: string;
  readonly settlement: Settlement;
}

/** A provider that has not listened for so long is told no more. */
const LONGEST_TELLING = '1 day';

/** Those that are to be told; a firing that another has followed is resolved. */
export function untoldIncidents(warehouse: DataSource, most: number): Promise<readonly Untold[]> {
  return warehouse.query(
    `select distinct on (d.alert_id, d.firing, d.address) d.alert_id as "alertId", d.firing, d.address,
       case when a.firing > d.firing then 'resolved' else a.state end as settlement
     from nighttrain.alert_delivery d join nighttrain.alert a using (alert_id)
     where d.channel = 'webhook' and d.address like 'pagerduty %' and d.told is distinct from 'resolved'
       and d.tries > 0
       and (a.firing > d.firing or a.state = 'resolved' or a.state = 'acknowledged' and d.told is null)
       and coalesce(a.resolved_at, a.acknowledged_at, a.last_at) > clock_timestamp() - $2::interval
     limit $1`,
    [most, LONGEST_TELLING],
  );
}

/** Keeps that a provider knows. */
export async function recordTold(
  warehouse: DataSource,
  { alertId, firing, address, settlement }: Untold,
): Promise<void> {
  await warehouse.query(
    `update nighttrain.alert_delivery set told = $4
     where alert_id = $1 and firing = $2 and channel = 'webhook' and address = $3`,
    [alertId, firing, address, settlement],
  );
}
