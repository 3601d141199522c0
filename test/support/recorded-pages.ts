import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Channel, DeliveryState, Handed, Page } from '../../alerting/channels/channel.ts';
import type { Deps } from '../../activities/deps.ts';
import type { House } from './house.ts';
import { until } from './intake.ts';

/** A page that a channel was handed. */
export interface Sent {
  readonly address: string;
  readonly page: Page;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly providerId: string;
}

/** A channel that keeps what it was handed, and does with it what it was told to. */
export class RecordingChannel implements Channel {
  readonly sent: Sent[] = [];
  /** What becomes of pages once they are handed over, by address. */
  readonly states = new Map<string, DeliveryState>();
  /** What a call waits for, or fails by, before it is taken; by address. */
  readonly obstacles = new Map<string, () => Promise<unknown>>();
  readonly #answers: Handed['state'];
  readonly #name: string;

  /** @param answers what it says of a page at once */
  constructor(name: string, answers: Handed['state'] = 'delivered') {
    this.#name = name;
    this.#answers = answers;
  }

  async send(page: Page, address: string, signal: AbortSignal): Promise<Handed> {
    signal.throwIfAborted();
    await this.obstacles.get(address)?.();
    const providerId = `${this.#name}-${address}-${this.sent.length}-${page.alertId}`;
    this.sent.push({ address, page, at: Date.now(), providerId });
    return { providerId, state: this.#answers };
  }

  async stateOf(providerId: string): Promise<DeliveryState | undefined> {
    const sent = this.sent.find((one) => one.providerId === providerId);
    return sent && this.states.get(sent.address);
  }

  /** Who was paged about an alert, in order. */
  to(alertId: string): string[] {
    return this.sent.filter(({ page }) => page.alertId === alertId).map(({ address }) => address);
  }

  /** Waits for the page of an alert to an address. */
  async paged(alertId: string, address: string, withinMs = 20_000): Promise<Sent> {
    const find = () => this.sent.find((one) => one.page.alertId === alertId && one.address === address);
    await until(() => find() !== undefined, withinMs);
    return find() as Sent;
  }
}

/** Puts an on-call file into a house, before its worker starts. */
export async function putOnCall(house: House, text: string): Promise<void> {
  await writeFile(join(house.folder, 'on-call.yaml'), text);
}

/** A worker of the house with these channels. @returns what its steps work with */
export async function startPaging(house: House, channels: Deps['channels']): Promise<Deps> {
  let caught: Deps | undefined;
  await house.startWorker((deps) => (caught = { ...deps, channels }));
  return caught as Deps;
}

/** One alert as the archive has it. */
export interface AlertRow {
  readonly alertId: string;
  readonly code: number;
  readonly state: string;
  readonly paging: string;
  readonly firing: number;
}

/** The alert that a rule has raised about a subject. */
export async function alertOf(house: House, rule: string, subject: string): Promise<AlertRow> {
  const [row] = await house.ask<AlertRow>(
    `select alert_id as "alertId", code, state, paging, firing from nighttrain.alert where rule = $1 and subject = $2`,
    [rule, subject],
  );
  if (!row) throw new Error(`there is no alert ${rule} about ${subject}`);
  return row;
}

/** Waits until nobody is paged about an alert any more, and its workflow has ended; answers how. */
export async function endOfPaging(house: House, alertId: string): Promise<unknown> {
  return house.client.workflow.getHandle(`alert/${alertId}`).result();
}
