import type { EntityManager } from 'typeorm';
import type { BusinessDate } from '../../rules/business-date.ts';
import { storableText, toJsonb } from '../../warehouse/storable.ts';

/** Alerts of one rule about one dataset, or about none. */
interface Kind {
  readonly rule: string;
  readonly dataset: string | null;
  readonly from: BusinessDate | null;
  readonly to: BusinessDate | null;
  readonly alerts: number;
  /** How many kinds there are in all. */
  readonly kinds: number;
}

/** More than these, and a page says too much to be read. */
const MOST_KINDS = 4;
/** Up to here an incident says how many alerts it has: counting ten thousand at each of them would take its time. */
const MOST_COUNTED = 200;

/**
 * Has an incident say what it is made of, as of now: `14 alerts are one incident: source-down flights 2013-01-01 to
 * 2013-01-14`. Whoever is asked next reads that.
 * @param times how often it has grown
 */
export async function describeIncident(tx: EntityManager, alertId: string, times: number): Promise<void> {
  if (times > MOST_COUNTED + 1) return; // it says "more than" by then
  const kinds = await tx.query<Kind[]>(
    `select rule, dataset, min(business_date) as "from", max(business_date) as "to", count(*) as alerts,
       count(*) over () as kinds
     from nighttrain.alert where incident_id = $1
     group by rule, dataset order by count(*) desc, rule, dataset limit ${MOST_KINDS}`,
    [alertId],
  );
  const number =
    times > MOST_COUNTED
      ? `more than ${MOST_COUNTED} alerts`
      : `${times} ${times === 1 ? 'alert' : 'alerts'}`;
  const sentence = `${number} are one incident: ${listed(kinds, times)}`;
  await tx.query(`update nighttrain.alert set sentence = $2, facts = $3 where alert_id = $1`, [
    alertId,
    storableText(times === 1 ? `1 alert after a storm: ${listed(kinds, times)}` : sentence),
    toJsonb({ number }),
  ]);
}

function listed(kinds: readonly Kind[], times: number): string {
  const others = (kinds[0]?.kinds ?? 0) - kinds.length;
  return [...kinds.map((kind) => named(kind, times)), ...(others > 0 ? [`${others} other kinds`] : [])].join(
    ', ',
  );
}

function named({ rule, dataset, from, to, alerts }: Kind, times: number): string {
  const days = from === to ? from : `${from} to ${to}`;
  const share = alerts === times || alerts === 1 ? null : `(${alerts})`;
  return [rule, dataset, days, share].filter((part) => part !== null).join(' ');
}
