import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest';
import { acknowledge, resolve } from '../../alerting/archive/archive.ts';
import type { Deps } from '../../activities/deps.ts';
import { settleIncidents } from '../../activities/sweep-incidents.ts';
import { NO_PAGING } from '../../worker/paging.ts';
import { HookStub } from '../support/hook.ts';
import { openHouse, type House } from '../support/house.ts';
import { until } from '../support/intake.ts';
import { alertOf, endOfPaging, putOnCall } from '../support/recorded-pages.ts';
import { unguarded } from '../support/unguarded.ts';

const ROUTING_KEY = 'R0UT1NGK3YR0UT1NGK3YR0UT1NGK3Y12';
const ANA = { by: 'ana', via: 'cli' };

let house: House;
let deps: Deps;
let pagerDuty: HookStub;
let chat: HookStub;

beforeAll(async () => {
  [pagerDuty, chat] = [await HookStub.start(), await HookStub.start()];
  house = await openHouse({ paging: { ...NO_PAGING, pagerDutyRoutingKey: ROUTING_KEY } });
  await putOnCall(
    house,
    `
people:
  ana: { name: Ana, channels: [{ webhook: '${pagerDuty.url}/v2', as: pagerduty }] }
  bo: { name: Bo, channels: [{ webhook: '${pagerDuty.url}/v2', as: pagerduty }] }
  cleo: { name: Cleo, channels: [{ webhook: '${chat.url}/cleo', as: json }] }
levels:
  - { people: [ana], timeoutMinutes: 0.05 }
  - { people: [bo], timeoutMinutes: 10 }
  - { people: [cleo], timeoutMinutes: 10 }
`,
  );
  await house.startWorker((made) => (deps = made));
  await house.client.schedule.getHandle('nighttrain/_sweep-nights').pause('the test sweeps');
});
afterAll(async () => {
  await house[Symbol.asyncDispose]();
  for (const hook of [pagerDuty, chat]) await hook[Symbol.asyncDispose]();
});
beforeEach(async () => {
  onTestFailed(() => void process.stderr.write(`${house.lines.slice(-40).join('')}\n`));
  await unguarded(house.database, `update nighttrain.alert_event set at = at - interval '1 hour'`);
});

async function raise(subject: string = randomUUID()) {
  const key = { rule: 'night-failed', dataset: null, businessDate: null, subject } as const;
  await deps.alarm.raise({ ...key, sentence: `Something about ${subject}` });
  return { ...(await alertOf(house, 'night-failed', subject)), subject };
}

/** What PagerDuty was told of an alert, in order. */
const told = (alertId: string) =>
  pagerDuty.taken
    .map(({ body }) => body as { event_action: string; dedup_key: string; routing_key: string })
    .filter((event) => event.dedup_key.startsWith(alertId));
const actions = (alertId: string) => told(alertId).map(({ event_action: action }) => action);

/** Whoever settles it has no Temporal; the escalation sees it before it pages anybody else. */
async function answered(alertId: string): Promise<void> {
  await deps.escalations.alertChanged(alertId);
  await endOfPaging(house, alertId);
}

test('PagerDuty hears who is on it, then that it is over, each once', async () => {
  const { alertId } = await raise();
  await until(() => told(alertId).length > 0, 20_000);
  await settleIncidents(deps);
  expect(actions(alertId)).toEqual(['trigger']);
  await acknowledge(deps.warehouse, { alertId }, ANA);
  await answered(alertId);
  for (const _ of [1, 2]) await settleIncidents(deps);
  expect(actions(alertId)).toEqual(['trigger', 'acknowledge']);
  await resolve(deps.warehouse, { alertId }, ANA);
  for (const _ of [1, 2]) await settleIncidents(deps);
  expect(told(alertId)).toEqual([
    expect.objectContaining({ event_action: 'trigger', dedup_key: alertId }),
    { event_action: 'acknowledge', dedup_key: alertId, routing_key: ROUTING_KEY },
    { event_action: 'resolve', dedup_key: alertId, routing_key: ROUTING_KEY },
  ]);
});

test('an alert that fires again is an incident of its own, also before PagerDuty has heard the end of the first', async () => {
  const { alertId, subject } = await raise();
  await until(() => told(alertId).length > 0, 20_000);
  await resolve(deps.warehouse, { alertId }, ANA);
  await answered(alertId);
  await raise(subject);
  await until(() => told(alertId).length > 1, 20_000);
  await settleIncidents(deps);
  expect(told(alertId).map(({ event_action: action, dedup_key: key }) => [action, key])).toEqual([
    ['trigger', alertId],
    ['trigger', `${alertId}/2`],
    ['resolve', alertId],
  ]);
  await acknowledge(deps.warehouse, { alertId }, ANA);
  await answered(alertId);
});

test('a level that PagerDuty would call nobody new for counts as reached by nobody: the next is asked at once', async () => {
  const { alertId, code } = await raise();
  const pages = () =>
    house.ask(
      `select person, state, tries, error from nighttrain.alert_delivery where alert_id = $1 order by level`,
      [alertId],
    );
  await until(async () => (await pages())[2]?.['state'] === 'delivered', 20_000); // level 2 has ten minutes
  expect(chat.taken.map(({ body }) => (body as { code: number }).code)).toContain(code);
  expect(actions(alertId)).toEqual(['trigger']);
  expect(await pages()).toMatchObject([
    { person: 'ana', state: 'delivered', error: null },
    {
      person: 'bo',
      state: 'failed',
      tries: 0,
      error: expect.stringContaining('calls nobody new') as unknown,
    },
    { person: 'cleo', state: 'delivered' },
  ]);
  await acknowledge(deps.warehouse, { alertId }, ANA);
  await answered(alertId);
});

test('a PagerDuty that is away hears of it later; one that refuses is not asked for ever', async () => {
  await settleIncidents(deps); // of the tests before
  const { alertId } = await raise();
  await until(() => told(alertId).length > 0, 20_000);
  await resolve(deps.warehouse, { alertId }, ANA);
  await answered(alertId);
  pagerDuty.strike(...Array.from({ length: 4 }, () => ({ status: 503 })));
  const calls = () => pagerDuty.calls;
  await settleIncidents(deps);
  expect(actions(alertId)).toEqual(['trigger']);
  pagerDuty.strike({ status: 400 });
  await settleIncidents(deps);
  const before = calls();
  await settleIncidents(deps);
  expect(calls()).toBe(before);
});

test('incidents of an address that this worker’s environment does not have keep no others from being told of', async () => {
  const { alertId } = await raise();
  await until(() => told(alertId).length > 0, 20_000);
  await resolve(deps.warehouse, { alertId }, ANA);
  await answered(alertId);
  await house.ask(
    `with over as (
       insert into nighttrain.alert (alert_id, rule, severity, subject, sentence, state, resolved_at)
       select ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'night-failed', 'error', 'of old ' || n, 'x',
         'resolved', now() from generate_series(1, 60) n
       returning alert_id)
     insert into nighttrain.alert_delivery (alert_id, firing, level, round, channel, address, person, state, tries)
     select alert_id, 1, 1, 1, 'webhook', 'pagerduty $NOWHERE_SET', 'ana', 'delivered', 1 from over`,
  );
  await settleIncidents(deps);
  expect(actions(alertId)).toEqual(['trigger', 'resolve']);
});
