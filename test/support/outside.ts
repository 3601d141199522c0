import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { openCallbacks, type CallbackParts } from '../../alerting/callbacks/callbacks.ts';
import type { OnCall } from '../../rules/on-call.ts';
import { openHouse, type House } from './house.ts';
import { PUBLIC_URL } from './paging.ts';
import { TwilioStub } from './twilio.ts';

export const ANA = '+33611111111';
export const BO = '+33622222222';

/** Ana's number is in a variable; Bo has none. */
export const ON_CALL: OnCall = {
  people: {
    ana: { name: 'Ana', channels: [{ channel: 'sms', address: '$ANA_NUMBER' }] },
    bo: { name: 'Bo', channels: [{ channel: 'email', address: 'bo@example.com' }] },
  },
  levels: [{ people: ['ana'], timeoutMs: 60_000 }],
  rounds: 1,
  quiet: [],
  owners: {},
};

export const STATUS_URL = `${PUBLIC_URL}/twilio/status`;
export const REPLY_URL = `${PUBLIC_URL}/twilio/reply`;

export interface FiredAlert {
  readonly alertId: string;
  readonly code: number;
}

/** The outside, and a door that it calls us back by; behind it are the archive and nobody else. */
export class Outside {
  house!: House;
  loader!: DataSource;
  twilio!: TwilioStub;
  /** Another one for each test: who was refused how often is forgotten with it. */
  door!: Awaited<ReturnType<typeof openCallbacks>>;
  readonly lines: string[] = [];
  /** Whose escalation was told, and of what. */
  readonly told: string[] = [];

  parts(more: Partial<CallbackParts> = {}): CallbackParts {
    return {
      warehouse: this.loader,
      publicUrl: PUBLIC_URL,
      host: '127.0.0.1',
      port: 0,
      twilioAuthToken: this.twilio.authToken,
      env: (name) => (name === 'ANA_NUMBER' ? ANA : undefined),
      alertChanged: async (alertId) => void this.told.push(`alert ${alertId}`),
      deliveryChanged: async (alertId) => void this.told.push(`delivery ${alertId}`),
      log: pino({ base: null }, { write: (line) => void this.lines.push(line) }),
      ...more,
    };
  }

  async fire(onCall: OnCall = ON_CALL, state = 'firing'): Promise<FiredAlert> {
    const [alert] = await this.house.ask<FiredAlert>(
      `insert into nighttrain.alert (rule, severity, subject, sentence, facts, runbook, on_call, paging, state)
       values ('night-failed', 'error', $1, 'Is <b>this</b> read?', '{}', 'replay-a-day', $2, 'under way', $3)
       returning alert_id as "alertId", code::int`,
      [randomUUID(), JSON.stringify(onCall), state],
    );
    if (!alert) throw new Error('no alert was made');
    return alert;
  }

  /** A page to Ana that Twilio has taken. */
  async page({ alertId }: FiredAlert, state = 'sent'): Promise<string> {
    const sid = `SM${randomBytes(16).toString('hex')}`;
    await this.house.ask(
      `insert into nighttrain.alert_delivery (alert_id, firing, round, level, person, channel, address, state, provider_id)
       values ($1, 1, 1, 1, 'ana', 'sms', '$ANA_NUMBER', $2, $3)`,
      [alertId, state, sid],
    );
    return sid;
  }

  /** Everything that alerting keeps. */
  async archive(but: readonly string[] = []): Promise<unknown> {
    const tables = [
      'alert',
      'alert_event',
      'alert_delivery',
      'alert_link',
      'alert_callback',
      'alert_evidence',
    ];
    const kept = tables.filter((table) => !but.includes(table));
    const columns = kept.map(
      (table) => `(select jsonb_agg(t order by t::text) from nighttrain.${table} t) as ${table}`,
    );
    return (await this.house.ask(`select ${columns.join(', ')}`))[0];
  }

  /** What an outsider does, while nothing in the archive changes and nobody is told of anything. */
  async inVain<Result>(act: () => Promise<Result>, but?: readonly string[]): Promise<Result> {
    const before = await this.archive(but);
    const toldBefore = [...this.told];
    const result = await act();
    assert.deepEqual(await this.archive(but), before);
    assert.deepEqual(this.told, toldBefore);
    return result;
  }

  status(sid: string, word: string, errorCode?: number): Record<string, string> {
    return this.twilio.statusParams({
      sid,
      params: { From: this.twilio.from, To: ANA },
      status: word,
      errorCode,
    });
  }

  tellStatus(sid: string, word: string, errorCode?: number) {
    return this.twilio.call(STATUS_URL, this.status(sid, word, errorCode));
  }

  async stateOf({ alertId }: FiredAlert): Promise<Record<string, unknown> | undefined> {
    const [alert] = await this.house.ask(
      `select state, acknowledged_by as by, acknowledged_via as via from nighttrain.alert where alert_id = $1`,
      [alertId],
    );
    return alert;
  }
}

/** One for all tests of a file. */
export function shareOutside(): Outside {
  const outside = new Outside();
  beforeAll(async () => {
    outside.house = await openHouse();
    outside.loader = await outside.house.open(outside.house.loaderUrl, 'callbacks', 4);
    outside.twilio = await TwilioStub.start();
  });
  afterAll(async () => {
    await outside.twilio[Symbol.asyncDispose]();
    await outside.house[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    outside.told.length = 0;
    outside.lines.length = 0;
    const door = await openCallbacks(outside.parts());
    outside.door = door;
    outside.twilio.reachBy(PUBLIC_URL, door.url);
    return () => door.close();
  });
  return outside;
}

/** All the ways not to be Twilio. */
export function forgeriesOf(
  outside: Outside,
): readonly [string, (params: Record<string, string>, url: string) => string | undefined][] {
  const sign = (url: string, params: Record<string, string>) => outside.twilio.signature(url, params);
  return [
    ['no signature', () => undefined],
    ['an empty signature', () => ''],
    ['a signature of noise', () => randomBytes(20).toString('base64')],
    ['the signature of another URL', (params) => sign(`${outside.door.url}/twilio/status`, params)],
    ['the signature of other fields', (params, url) => sign(url, { ...params, To: BO })],
    ['the signature cut short', (params, url) => sign(url, params).slice(0, -1)],
  ];
}
