import type { DataSource } from 'typeorm';
import { isNewer, type AlertInShort, type DeliveryState, type Turn } from '../../rules/escalation.ts';
import type { ChannelKind, OnCall } from '../../rules/on-call.ts';
import type { Database } from '../archive/archive.ts';

/** One level of one round of one firing of an alert. */
export interface AlertTurn extends Turn {
  readonly alertId: string;
  readonly firing: number;
}

/** A page to one address of one person: a row of the outbox. */
export interface Delivery {
  /** Null where the archive did not answer, and the page goes out without a row. */
  readonly deliveryId: string | null;
  readonly person: string;
  readonly channel: ChannelKind;
  readonly address: string;
  readonly state: DeliveryState;
  readonly providerId: string | null;
  /** Its provider keeps one incident for this firing, and was paged by an earlier turn: it would call nobody new. */
  readonly isFolded: boolean;
}

/** A page that ought to be sent. */
export type Addressee = Pick<Delivery, 'person' | 'channel' | 'address'>;

/** An alert, as whoever is paged is told of it. */
export interface AlertFacts extends AlertInShort {
  readonly facts: Readonly<Record<string, unknown>>;
  /** The on-call file when it fired. */
  readonly onCall: OnCall;
}

const ALERT_FACTS = `code, rule, severity, dataset, business_date as "businessDate", sentence, runbook, facts,
  on_call as "onCall"`;

/** An alert that is still to be paged about, or undefined: acknowledged, resolved, or firing anew. */
const STILL_PAGED = `state = 'firing' and firing = $2 and paging = 'under way'`;

/**
 * Writes the outbox rows of a turn where its alert still fires, in one transaction with that look: who acknowledges
 * before this commits is not followed by another page. Rows that are there already stay as they are (R9).
 * @param addressees who is to be paged, by the alert's own on-call file
 * @returns the alert with all rows of the turn; undefined where nobody is to be paged any more
 */
export async function queueTurn(
  warehouse: DataSource,
  { alertId, firing, round, level }: AlertTurn,
  addressees: (alert: AlertFacts) => readonly Addressee[],
): Promise<{ readonly alert: AlertFacts; readonly deliveries: readonly Delivery[] } | undefined> {
  return warehouse.transaction(async (tx) => {
    const [alert] = await tx.query<AlertFacts[]>(
      `select ${ALERT_FACTS} from nighttrain.alert where alert_id = $1 and ${STILL_PAGED} for share`,
      [alertId, firing],
    );
    if (!alert) return undefined;
    await tx.query(
      `insert into nighttrain.alert_delivery (alert_id, firing, round, level, person, channel, address)
       select $1, $2, $3, $4, person, channel, address
       from jsonb_to_recordset($5::jsonb) a(person text, channel text, address text)
       on conflict (alert_id, firing, round, level, person, channel, address) do nothing`,
      [alertId, firing, round, level, JSON.stringify(addressees(alert))],
    );
    const deliveries = await tx.query<Delivery[]>(DELIVERIES_OF_TURN, [alertId, firing, round, level]);
    return { alert, deliveries };
  });
}

const DELIVERIES_OF_TURN = `
  select delivery_id as "deliveryId", person, channel, address, state, provider_id as "providerId",
    address like 'pagerduty %' and exists (
      select from nighttrain.alert_delivery e
      where e.alert_id = $1 and e.firing = $2 and e.channel = 'webhook' and e.address like 'pagerduty %'
        and e.state = 'delivered' and (e.round, e.level) < ($3, $4)
    ) as "isFolded"
  from nighttrain.alert_delivery where alert_id = $1 and firing = $2 and round = $3 and level = $4
  order by queued_at, delivery_id`;

/** The pages of a turn, and whether its alert still fires. */
export async function lookAtTurn(
  warehouse: DataSource,
  { alertId, firing, round, level }: AlertTurn,
): Promise<{ readonly isOver: boolean; readonly deliveries: readonly Delivery[] }> {
  const alerts = await warehouse.query<unknown[]>(
    `select from nighttrain.alert where alert_id = $1 and ${STILL_PAGED}`,
    [alertId, firing],
  );
  const deliveries = await warehouse.query<Delivery[]>(DELIVERIES_OF_TURN, [alertId, firing, round, level]);
  return { isOver: alerts.length === 0, deliveries };
}

/** Providers know within a minute or two, or never. */
const LONGEST_WAY = '15 minutes';

/** SMS that were taken of late, whose end nobody knows and no escalation waits for. */
export function pagesOnTheirWay(warehouse: DataSource, most: number): Promise<readonly Delivery[]> {
  return warehouse.query(
    `select d.delivery_id as "deliveryId", d.person, d.channel, d.address, d.state, d.provider_id as "providerId",
       false as "isFolded"
     from nighttrain.alert_delivery d join nighttrain.alert a using (alert_id)
     where d.state = 'sent' and d.channel = 'sms' and d.queued_at > clock_timestamp() - $2::interval
       and (a.paging = 'over' or a.firing > d.firing)
     order by d.queued_at desc limit $1`,
    [most, LONGEST_WAY],
  );
}

/** Counts a try before the call: a row with more tries than one may have paged more than once. */
export async function countTry(warehouse: DataSource, { deliveryId }: Delivery): Promise<void> {
  await warehouse.query(`update nighttrain.alert_delivery set tries = tries + 1 where delivery_id = $1`, [
    deliveryId,
  ]);
}

/** What came of handing a page over. */
export interface HandedOver {
  readonly state: Exclude<DeliveryState, 'queued'>;
  readonly providerId: string | null;
  readonly error?: string;
}

/** Keeps what came of a page, together with the line in the alert's own story. */
export async function recordHandedOver(
  warehouse: DataSource,
  { alertId, firing, round, level }: AlertTurn,
  { deliveryId, person, channel }: Delivery,
  { state, providerId, error }: HandedOver,
): Promise<void> {
  await warehouse.query(
    // A callback may have been quicker than the answer to the call: its news stays.
    `with handed as (
       update nighttrain.alert_delivery
       set state = case when state = 'queued' then $2 else state end, provider_id = $3, error = coalesce(error, $4),
         sent_at = case when $2 <> 'failed' then clock_timestamp() end,
         settled_at = case when $2 <> 'sent' then clock_timestamp() else settled_at end
       where delivery_id = $1 returning 1
     )
     insert into nighttrain.alert_event (alert_id, firing, kind, by_whom, via, note)
     select $5, $6, 'paged', $7, $8, $9 from handed`,
    [
      deliveryId,
      state,
      providerId,
      error ?? null,
      alertId,
      firing,
      person,
      channel,
      `round ${round}, level ${level}: ${[state, error].filter(Boolean).join(', ')}`,
    ],
  );
}

/**
 * Takes news of a page that was sent; old news changes nothing.
 * @param by our own id, or the provider's
 * @returns the alert whose page it was, where it changed something
 */
export async function recordNews(
  warehouse: Database,
  by: { readonly deliveryId: string } | { readonly providerId: string },
  state: DeliveryState,
  error?: string,
): Promise<string | undefined> {
  const [column, id] = 'deliveryId' in by ? ['delivery_id', by.deliveryId] : ['provider_id', by.providerId];
  return warehouse.transaction(async (tx) => {
    const [known] = await tx.query<{ alertId: string; state: DeliveryState }[]>(
      `select alert_id as "alertId", state from nighttrain.alert_delivery where ${column} = $1 for update`,
      [id],
    );
    if (!known || !isNewer(known.state, state)) return undefined;
    await tx.query(
      `update nighttrain.alert_delivery
       set state = $2, error = coalesce($3, error), settled_at = case when $2 <> 'sent' then clock_timestamp() end
       where ${column} = $1`,
      [id, state, error ?? null],
    );
    return known.alertId;
  });
}
