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

const FROM_UNTOLD = `from nighttrain.alert_delivery d join nighttrain.alert a using (alert_id)
     where d.channel = 'webhook' and d.address like 'pagerduty %' and d.told is distinct from 'resolved'
       and d.tries > 0
       and (a.firing > d.firing or a.state = 'resolved' or a.state = 'acknowledged' and d.told is null)
       and coalesce(a.resolved_at, a.acknowledged_at, a.last_at) > clock_timestamp() - interval '${LONGEST_TELLING}'`;

/** Where those are that are to be told: whoever does not have such a variable leaves them to another worker. */
export async function untoldAddresses(warehouse: DataSource): Promise<string[]> {
  const rows = await warehouse.query<{ address: string }[]>(`select distinct d.address ${FROM_UNTOLD}`);
  return rows.map(({ address }) => address);
}

/** Those of some addresses that are to be told; a firing that another has followed is resolved. */
export function untoldIncidents(
  warehouse: DataSource,
  addresses: readonly string[],
  most: number,
): Promise<readonly Untold[]> {
  return warehouse.query(
    `select distinct on (d.alert_id, d.firing, d.address) d.alert_id as "alertId", d.firing, d.address,
       case when a.firing > d.firing then 'resolved' else a.state end as settlement
     ${FROM_UNTOLD} and d.address = any ($2)
     limit $1`,
    [most, addresses],
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
