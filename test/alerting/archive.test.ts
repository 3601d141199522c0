import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { DataSource } from 'typeorm';
import {
  acknowledge,
  archive,
  resolve,
  type Archived,
  type Archiving,
} from '../../alerting/archive/archive.ts';
import { resolveNight, resolveOthers } from '../../alerting/archive/over.ts';
import type { Finding } from '../../rules/alert.ts';
import type { AlertRule } from '../../rules/alert-rules.ts';
import { openHouse, type House } from '../support/house.ts';
import { containing, dayOf } from '../support/intake.ts';
import { ON_CALL } from '../support/on-call.ts';
import { unguarded } from '../support/unguarded.ts';

let house: House;
let loader: DataSource;
beforeAll(async () => {
  house = await openHouse();
  loader = await house.open(house.loaderUrl, 'archive', 8);
});
beforeEach(async () => {
  await unguarded(house.database, 'truncate nighttrain.alert cascade');
});
afterAll(() => house[Symbol.asyncDispose]());

const found = (date: string, more: Partial<Finding> = {}): Finding => ({
  rule: 'night-failed',
  dataset: 'fares',
  businessDate: dayOf(date),
  sentence: `fares of ${date} failed`,
  ...more,
});

async function raise(
  finding: Finding,
  archiving: Archiving = { onCall: ON_CALL },
): Promise<Archived | undefined> {
  return loader.transaction((tx) => archive(tx, finding, archiving));
}

/** Archives, and answers what must be there. */
async function alertOf(finding: Finding): Promise<Archived> {
  const archived = await raise(finding);
  if (!archived) throw new Error('the occurrence was known');
  return archived;
}

const alerts = () =>
  house.ask(
    `select rule, severity, dataset, business_date as date, subject, state, times, firing, paging, runbook, sentence,
       facts, acknowledged_by as "acknowledgedBy", resolved_by as "resolvedBy", resolved_why as why,
       on_call is not null as "hasOnCall", incident_id as "incidentId"
     from nighttrain.alert order by first_at`,
  );
const events = (alertId: string) =>
  house.ask(
    `select kind, by_whom as by, via, note, firing from nighttrain.alert_event where alert_id = $1 order by seq`,
    [alertId],
  );
const me = { by: 'ada', via: 'test', note: 'on it' };

describe('raising', () => {
  test('an alert is archived with its rule, severity, runbook, facts and the people on call', async () => {
    const { alertId, code, isNews, firing, toPage } = await alertOf(
      found('2024-01-01', { facts: { number: '31.0 %' } }),
    );
    expect({ isNews, firing, toPage }).toEqual({ isNews: true, firing: 1, toPage: [alertId] });
    expect(code).toBeGreaterThan(1000);
    expect(await alerts()).toMatchObject([
      {
        rule: 'night-failed',
        severity: 'error',
        dataset: 'fares',
        date: '2024-01-01',
        state: 'firing',
        times: 1,
        paging: 'due',
        runbook: 'replay-a-day',
        sentence: 'fares of 2024-01-01 failed',
        facts: { number: '31.0 %' },
        hasOnCall: true,
      },
    ]);
    expect(await events(alertId)).toEqual([
      { kind: 'fired', by: 'nighttrain', via: 'archive', note: '', firing: 1 },
    ]);
  });

  test('the same again is counted, and no news; its words are the latest', async () => {
    const first = await alertOf(found('2024-01-01'));
    const second = await alertOf(found('2024-01-01', { sentence: 'fares of 2024-01-01 failed again' }));
    expect(second).toMatchObject({ alertId: first.alertId, code: first.code, isNews: false, toPage: [] });
    expect(await alerts()).toMatchObject([{ times: 2, sentence: 'fares of 2024-01-01 failed again' }]);
    expect(await events(first.alertId)).toHaveLength(1);
  });

  test('what many find at the same moment is one alert, and news to one of them', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => alertOf(found('2024-01-01'))));
    expect(all.filter(({ isNews }) => isNews)).toHaveLength(1);
    expect(await alerts()).toMatchObject([{ times: 20 }]);
  });

  test('another day, dataset, rule or subject is another alert, and so is one about none', async () => {
    const kinds: Partial<Finding>[] = [
      {},
      { businessDate: dayOf('2024-01-02') },
      { businessDate: null },
      { dataset: null },
      { dataset: null, businessDate: null },
      { subject: 'a session' },
      { rule: 'zombie-run' },
    ];
    for (const kind of [...kinds, ...kinds]) await raise(found('2024-01-01', kind));
    expect(await alerts()).toMatchObject(kinds.map(() => ({ times: 2 })));
  });

  test('repeats use up no codes: they stay short enough to be typed', async () => {
    const first = await alertOf(found('2024-01-01'));
    for (let times = 0; times < 5; times++) await raise(found('2024-01-01'));
    expect((await alertOf(found('2024-01-02'))).code).toBe(first.code + 1);
  });

  test('an occurrence that has a name is archived once, however often it is reported', async () => {
    const occurrence = randomUUID();
    const reports = Array.from({ length: 5 }, () =>
      raise(found('2024-01-01'), { onCall: ON_CALL, occurrence }),
    );
    expect((await Promise.all(reports)).filter((one) => one !== undefined)).toHaveLength(1);
    expect(await alerts()).toMatchObject([{ times: 1 }]);
  });

  test('a transaction that rolls back leaves no alert, no event and no name behind', async () => {
    const occurrence = randomUUID();
    const failing = loader.transaction(async (tx) => {
      await archive(tx, found('2024-01-01'), { onCall: ON_CALL, occurrence });
      throw new Error('killed');
    });
    await expect(failing).rejects.toThrow('killed');
    expect(await alerts()).toEqual([]);
    expect(await raise(found('2024-01-01'), { onCall: ON_CALL, occurrence })).toMatchObject({ isNews: true });
  });

  test('nobody is paged for a severity that is quiet, or where nobody is on call', async () => {
    expect(await alertOf(found('2024-01-01', { rule: 'night-cancelled' }))).toMatchObject({ toPage: [] });
    expect(await raise(found('2024-01-02'), { onCall: undefined })).toMatchObject({
      isNews: true,
      toPage: [],
    });
    expect(await alerts()).toMatchObject([
      { severity: 'warn', paging: 'quiet', hasOnCall: false },
      { severity: 'error', paging: 'quiet', hasOnCall: false },
    ]);
  });

  test('words and facts have bounds, and hold nothing that PostgreSQL refuses', async () => {
    await raise(
      found('2024-01-01', {
        sentence: `\0${'x'.repeat(5_000)}`,
        facts: { number: '7 rows', rows: 'y'.repeat(50_000), half: '\uD800' },
      }),
    );
    const [alert] = await alerts();
    expect(String(alert?.['sentence']).length).toBeLessThan(1_100);
    expect(alert?.['facts']).toEqual({ number: '7 rows', tooLong: expect.any(Number) as number });
  });
});

describe('acknowledging and resolving', () => {
  test('whoever is first has acknowledged; the others are told who', async () => {
    const { alertId, code } = await alertOf(found('2024-01-01'));
    const people = Array.from({ length: 10 }, (_, number) => ({ by: `person ${number}`, via: 'test' }));
    const answers = await Promise.all(people.map((who) => acknowledge(loader, { code }, who)));
    const [first] = answers.filter(({ outcome }) => outcome === 'acknowledged');
    expect(answers.filter(({ outcome }) => outcome === 'already')).toHaveLength(9);
    expect(new Set(answers.map(({ by }) => by))).toEqual(new Set([first?.by]));
    expect(await alerts()).toMatchObject([
      { state: 'acknowledged', acknowledgedBy: first?.by, paging: 'over' },
    ]);
    expect((await events(alertId)).map(({ kind }) => kind)).toEqual(['fired', 'acknowledged']);
  });

  test('who answers that nobody has answered an alert has answered the alert, and of a storm all of its alerts', async () => {
    const first = await alertOf(found('2024-01-01'));
    const member = await alertOf(found('2024-01-02'));
    const other = await alertOf(found('2024-01-03'));
    await house.ask(`update nighttrain.alert set incident_id = $1 where alert_id = $2`, [
      first.alertId,
      member.alertId,
    ]);
    const exhausted = await alertOf({
      rule: 'escalation-exhausted',
      dataset: null,
      businessDate: null,
      subject: first.alertId,
      sentence: `Nobody has answered alert ${first.code}`,
    });
    expect(await acknowledge(loader, { code: exhausted.code }, me)).toMatchObject({
      outcome: 'acknowledged',
    });
    const states = await house.ask<{ alertId: string; state: string }>(
      `select alert_id as "alertId", state from nighttrain.alert`,
    );
    const stateOf = (alertId: string) => states.find((one) => one.alertId === alertId)?.state;
    expect([exhausted, first, member, other].map(({ alertId }) => stateOf(alertId))).toEqual([
      'acknowledged',
      'acknowledged',
      'acknowledged',
      'firing',
    ]);
  });

  test('a code that no alert has is unknown, and changes nothing', async () => {
    await alertOf(found('2024-01-01'));
    expect(await acknowledge(loader, { code: 7 }, me)).toEqual({ outcome: 'unknown', changed: [] });
    expect(await resolve(loader, { code: 7 }, me)).toEqual({ outcome: 'unknown', changed: [] });
    expect(await acknowledge(loader, { alertId: randomUUID() }, me)).toEqual({
      outcome: 'unknown',
      changed: [],
    });
    expect(await alerts()).toMatchObject([{ state: 'firing' }]);
  });

  test('what is resolved is closed with who and why, and can not be acknowledged any more', async () => {
    const { alertId } = await alertOf(found('2024-01-01'));
    const why = { by: 'ada', via: 'cli', note: 'the file came' };
    expect(await resolve(loader, { alertId }, why)).toMatchObject({
      outcome: 'resolved',
      alertId,
      by: 'ada',
    });
    expect(await acknowledge(loader, { alertId }, me)).toMatchObject({ outcome: 'resolved', by: 'ada' });
    expect(await alerts()).toMatchObject([{ state: 'resolved', resolvedBy: 'ada', why: 'the file came' }]);
    expect(await events(alertId)).toMatchObject([
      { kind: 'fired' },
      { kind: 'resolved', note: 'the file came' },
    ]);
  });

  test('one that was resolved fires again: it is news, and nobody has acknowledged it', async () => {
    const { alertId } = await alertOf(found('2024-01-01'));
    await acknowledge(loader, { alertId }, me);
    await resolve(loader, { alertId }, me);
    expect(await alertOf(found('2024-01-01'))).toMatchObject({
      alertId,
      isNews: true,
      firing: 2,
      toPage: [alertId],
    });
    expect(await alerts()).toMatchObject([
      { state: 'firing', times: 2, firing: 2, acknowledgedBy: null, resolvedBy: null, paging: 'due' },
    ]);
    expect((await events(alertId)).map(({ kind, firing }) => [kind, firing])).toEqual([
      ['fired', 1],
      ['acknowledged', 1],
      ['resolved', 1],
      ['fired', 2],
    ]);
  });

  test('one that was acknowledged stays so when it is found again', async () => {
    const { alertId } = await alertOf(found('2024-01-01'));
    await acknowledge(loader, { alertId }, me);
    expect(await alertOf(found('2024-01-01'))).toMatchObject({ isNews: false, toPage: [] });
    expect(await alerts()).toMatchObject([{ state: 'acknowledged', times: 2 }]);
  });

  test('a night that loaded resolves what its own failures had raised, and nothing else', async () => {
    const ends: AlertRule[] = ['reject-limit-exceeded', 'source-down', 'night-missing'];
    for (const rule of ends) await raise(found('2024-01-01', { rule }));
    await raise(found('2024-01-01', { rule: 'ledger-broken' }));
    await raise(found('2024-01-01', { rule: 'audit-warned' }));
    await raise(found('2024-01-02'));
    await raise(found('2024-01-01', { dataset: 'tickets' }));
    const day = { dataset: 'fares', businessDate: dayOf('2024-01-01') };
    await resolveNight(loader, day, { by: 'run 1', via: 'load', note: 'The day was loaded' });
    const open = (await alerts()).filter(({ state }) => state !== 'resolved');
    expect(open.map(({ rule, dataset, date }) => [rule, dataset, date])).toEqual([
      ['ledger-broken', 'fares', '2024-01-01'],
      ['audit-warned', 'fares', '2024-01-01'],
      ['night-failed', 'fares', '2024-01-02'],
      ['night-failed', 'tickets', '2024-01-01'],
    ]);
  });

  test('what a rule no longer finds is resolved, what it still finds is not', async () => {
    const still = found('2024-01-02', { rule: 'night-missing' });
    const gone = found('2024-01-01', { rule: 'night-missing' });
    const ofNobody = { ...found('2024-01-02', { rule: 'night-missing' }), dataset: null, businessDate: null };
    for (const finding of [gone, still, ofNobody, found('2024-01-01')]) await raise(finding);
    await resolveOthers(loader, 'night-missing', [still, ofNobody], { by: 'nighttrain', via: 'sweep' });
    expect((await alerts()).map(({ state }) => state)).toEqual(['resolved', 'firing', 'firing', 'firing']);
  });

  test('who acknowledges may be called anything', async () => {
    const { alertId } = await alertOf(found('2024-01-01'));
    const by = `\0${'n'.repeat(3_000)}`;
    expect(await acknowledge(loader, { alertId }, { by, via: 'test' })).toMatchObject({
      outcome: 'acknowledged',
      by: containing('nnn'),
    });
  });
});
