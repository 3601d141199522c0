import { setTimeout as pause } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { isNewer, type DeliveryState } from '../../rules/escalation.ts';
import { isFirstCallback } from './callback-register.ts';
import { recordNews } from '../paging/deliveries.ts';
import { smsState } from '../channels/sms.ts';

/** What Twilio says of a message. */
export interface StatusCallback {
  readonly sid: string;
  readonly status: string;
  /** Digits, where it failed. */
  readonly errorCode: string | undefined;
}

/**
 * What came of it. `taken` changed a delivery of that alert. `known` tells nothing new of one that is under way.
 * `unknown`: no page of ours, or not yet. `late`: what became of the page is settled, or nobody waits for it any more.
 */
export type StatusOutcome =
  | { readonly outcome: 'taken'; readonly alertId: string }
  | { readonly outcome: 'known' | 'unknown' | 'late' };

/** Its SID is written once Twilio has taken the page; the first that Twilio tells of it may be faster. */
const NOTED_WITHIN_MS = 2_000;
const LOOK_AGAIN_MS = 100;

/** Takes what Twilio says of a page. States only go forward; whatever is late or unknown changes nothing. */
export async function takeStatus(warehouse: DataSource, told: StatusCallback): Promise<StatusOutcome> {
  const state = smsState(told.status);
  if (state === undefined) return { outcome: 'unknown' };
  for (const end = performance.now() + NOTED_WITHIN_MS; ;) {
    const taken = await takeState(warehouse, told, state);
    if (taken.outcome !== 'unknown' || performance.now() > end) return taken;
    await pause(LOOK_AGAIN_MS);
  }
}

async function takeState(
  warehouse: DataSource,
  { sid, status, errorCode }: StatusCallback,
  state: DeliveryState,
): Promise<StatusOutcome> {
  return warehouse.transaction(async (tx) => {
    const [page] = await tx.query<{ alertId: string; state: DeliveryState; isAwaited: boolean }[]>(
      `select d.alert_id as "alertId", d.state, a.state <> 'resolved' and a.firing = d.firing as "isAwaited"
       from nighttrain.alert_delivery d join nighttrain.alert a using (alert_id)
       where d.provider_id = $1 and d.channel = 'sms' for update of d`,
      [sid],
    );
    if (!page) return { outcome: 'unknown' };
    if (!page.isAwaited || !isNewer(page.state, state))
      return { outcome: page.isAwaited && page.state === state && state === 'sent' ? 'known' : 'late' };
    if (!(await isFirstCallback(tx, `status ${sid} ${status}`))) return { outcome: 'late' };
    const error = errorCode === undefined ? undefined : `Twilio's error ${errorCode}`;
    await recordNews(tx, { providerId: sid }, state, error);
    return { outcome: 'taken', alertId: page.alertId };
  });
}
