import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import type { DataSource } from 'typeorm';
import { auditWarehouse } from '../../activities/audit-warehouse.ts';
import type { Dataset } from '../../rules/dataset.ts';
import { countVersions } from '../../warehouse/integrity-counts.ts';
import { readOnly } from '../../warehouse/read-only.ts';
import { TASK_QUEUE } from '../../workflows/messages.ts';
import { fillClients, loadFares } from '../support/by-hand.ts';
import { clients, fares } from '../support/datasets.ts';
import { fareLines } from '../support/fares.ts';
import { alarmIn } from '../support/alarm.ts';
import { foldFares, partsOf } from '../support/fold.ts';
import { shareHouse } from '../support/house.ts';
import { matching } from '../support/intake.ts';
import { unguarded } from '../support/unguarded.ts';

/** R15, R16: real damage by a superuser whom no trigger stops, found by the nightly audits, and put right again. */

const audited: Dataset = {
  ...fares,
  audits: [
    { name: 'free-rides', severity: 'warn', sql: 'select * from :table where amount = 0' },
    { name: 'costly-rides', severity: 'error', sql: 'select * from :table where amount > 1000000' },
  ],
};
const house = shareHouse({ datasets: [audited, clients], verified: false });
let loader: DataSource;

beforeAll(async () => {
  loader = await house().open(house().loaderUrl, 'audits');
  for (const day of ['2024-01-01', '2024-01-02']) {
    await house().put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
    await house().run('fares', day);
  }
  await house().replay('fares', '2024-01-01');
  await using merged = await fillClients(house(), '2024-01-01', [[1, 'Awa', null]]);
  await merged.commit();
});

/** One run of the nightly audits; what they found, by their names. */
async function audit(): Promise<Record<string, number>> {
  const workflowId = `sweep/${randomUUID()}`;
  await house().client.workflow.execute('sweep', {
    workflowId,
    taskQueue: TASK_QUEUE,
    args: [{ of: 'audits' }],
  });
  const results = await house().ask<{ audit: string; rows: number }>(
    `select audit, rows_found as rows from nighttrain.audit_result
     where audit_run = (
       select audit_run from nighttrain.audit_result where audit_run is not null order by ran_at desc limit 1)`,
  );
  expect(results.length).toBeGreaterThan(8);
  return Object.fromEntries(results.filter(({ rows }) => rows > 0).map((one) => [one.audit, one.rows]));
}

const openAlerts = () =>
  house().ask(
    `select rule, severity, dataset, business_date as date, subject, sentence from nighttrain.alert
     where rule in ('ledger-broken', 'guard-missing', 'audit-warned', 'audit-failed') and state <> 'resolved'
     order by subject, business_date`,
  );

/** What the audits find once the harm is done, and what is left of it once it is undone. */
async function harmed(harm: string, undo: string) {
  await unguarded(house().database, harm);
  const found = await audit();
  const alerts = await openAlerts();
  await unguarded(house().database, undo);
  return { found, alerts, afterwards: { found: await audit(), alerts: await openAlerts() } };
}

const NOTHING = { found: {}, alerts: [] };
const all = (...alerts: Record<string, unknown>[]): unknown[] =>
  alerts.map((alert) => expect.objectContaining(alert) as unknown);

test('a warehouse that nobody has touched passes every audit', async () => {
  expect(await house().ask(`select from nighttrain.load_batch where dataset = 'fares'`)).toHaveLength(3);
  expect({ found: await audit(), alerts: await openAlerts() }).toEqual(NOTHING);
});

test('R16: a ledger row that was changed is found', async () => {
  expect(
    await harmed(
      `update nighttrain.load_batch set manifest = manifest || 'x' where business_date = '2024-01-02'`,
      `update nighttrain.load_batch set manifest = left(manifest, -1) where business_date = '2024-01-02'`,
    ),
  ).toEqual({
    found: { 'chain-broken': 1 },
    alerts: all({
      rule: 'ledger-broken',
      severity: 'critical',
      dataset: 'fares',
      date: '2024-01-02',
      subject: 'chain-broken',
      sentence: 'Audit chain-broken, fares of 2024-01-02: link 2: its batch was changed',
    }),
    afterwards: NOTHING,
  });
});

test('R16: a link that is missing is found', async () => {
  await unguarded(
    house().database,
    `create table public.kept as select * from nighttrain.audit_chain where dataset = 'fares' and seq = 2`,
  );
  expect(
    await harmed(
      `delete from nighttrain.audit_chain where dataset = 'fares' and seq = 2`,
      `insert into nighttrain.audit_chain select * from public.kept`,
    ),
  ).toEqual({
    // the head is no link, the batch has none, and its day is not what the chain ends with
    found: { 'chain-broken': 2, 'ledger-and-days-differ': 1 },
    alerts: all(
      { subject: 'chain-broken' },
      { subject: 'chain-broken' },
      { subject: 'ledger-and-days-differ' },
    ),
    afterwards: NOTHING,
  });
});

test('R1: a row that was taken from a published day is found, and one from a replaced version', async () => {
  expect(
    await harmed(
      `delete from warehouse.fare where business_date = '2024-01-02' and receipt = 1`,
      `insert into warehouse.fare select '2024-01-02', '2024-01-02', 1, 1, null`,
    ),
  ).toEqual({
    found: { 'rows-differ': 1 },
    alerts: all({
      rule: 'ledger-broken',
      date: '2024-01-02',
      sentence: matching(
        /^Audit rows-differ, fares of 2024-01-02: the ledger says 3 rows, warehouse\.fare_20240102_2_1 has 2$/,
      ),
    }),
    afterwards: NOTHING,
  });
  const [row] = await house().ask<{ name: string }>(
    `select oid::regclass::text as name from pg_class where relnamespace = 'warehouse_history'::regnamespace
       and relname like 'fare_20240101%' and relkind = 'r'`,
  );
  expect(
    await harmed(
      `delete from ${row?.name} where receipt = 1`,
      `insert into ${row?.name} select '2024-01-01', '2024-01-01', 1, 1, null`,
    ),
  ).toEqual({
    found: { 'rows-differ': 1 },
    alerts: all({ rule: 'ledger-broken', date: '2024-01-01', subject: 'rows-differ' }),
    afterwards: NOTHING,
  });
});

test('R1: rows smuggled into a merged table, and tables that nobody published, are found', async () => {
  expect(
    await harmed(
      `insert into warehouse.client values (2, 'Mbarga', null, gen_random_uuid(), '2024-01-01')`,
      `delete from warehouse.client where id = 2`,
    ),
  ).toEqual({
    found: { 'rows-of-no-batch': 1 },
    alerts: all({ rule: 'ledger-broken', dataset: 'clients', subject: 'rows-of-no-batch' }),
    afterwards: NOTHING,
  });
  expect(
    await harmed(
      `create table warehouse.mine partition of warehouse.fare for values in ('2024-01-03')`,
      `drop table warehouse.mine`,
    ),
  ).toEqual({
    // it belongs to whoever made it
    found: { 'tables-out-of-place': 1, 'rights-too-many': 1 },
    alerts: all({ subject: 'rights-too-many' }, { subject: 'tables-out-of-place' }),
    afterwards: NOTHING,
  });
});

test('R15: a guard that was taken away and a right that was given are found', async () => {
  expect(
    await harmed(
      `alter table nighttrain.load_batch disable trigger guard`,
      `alter table nighttrain.load_batch enable trigger guard`,
    ),
  ).toEqual({
    found: { 'guards-missing': 1 },
    alerts: all({
      rule: 'guard-missing',
      severity: 'error',
      dataset: null,
      sentence: 'Audit guards-missing: nighttrain.load_batch has a guard that is disabled',
    }),
    afterwards: NOTHING,
  });
  expect(
    await harmed(
      `grant delete on warehouse.client to nighttrain_loader`,
      `revoke delete on warehouse.client from nighttrain_loader`,
    ),
  ).toEqual({
    found: { 'rights-too-many': 1 },
    alerts: all({
      rule: 'guard-missing',
      sentence: 'Audit rights-too-many: the loader may delete warehouse.client',
    }),
    afterwards: NOTHING,
  });
});

test('a dataset’s own audits are held against its last day again, those that would have refused it too', async () => {
  const amount = (value: number) =>
    `update warehouse.fare set amount = ${value} where business_date = '2024-01-02' and receipt = 1`;
  const [row] = await house().ask<{ amount: number }>(
    `select amount from warehouse.fare where business_date = '2024-01-02' and receipt = 1`,
  );
  expect(await harmed(amount(0), amount(row?.amount ?? 1))).toEqual({
    found: { 'free-rides': 1 },
    alerts: all({ rule: 'audit-warned', date: '2024-01-02', subject: 'free-rides' }),
    afterwards: NOTHING,
  });
  expect(await harmed(amount(2_000_000), amount(row?.amount ?? 1))).toEqual({
    found: { 'costly-rides': 1 },
    alerts: all({ rule: 'audit-failed', date: '2024-01-02', subject: 'costly-rides' }),
    afterwards: NOTHING,
  });
});

test('R1: days that were folded into a month pass as they did before, and a row that was taken from one is found', async () => {
  for (const date of ['2023-01-01', '2023-01-02']) await loadFares(house(), date, { rows: 3, amount: 1 });
  await foldFares(house(), '2023-01');
  expect(await audit()).toEqual({});
  expect(
    await harmed(
      `delete from warehouse.fare where business_date = '2023-01-02' and receipt = 1`,
      `insert into warehouse.fare select '2023-01-02', '2023-01-02', 1, 1, null`,
    ),
  ).toEqual({
    found: { 'rows-differ': 1 },
    alerts: all({ date: '2023-01-02', subject: 'rows-differ' }),
    afterwards: NOTHING,
  });
});

test('R11: rows are counted without a lock on their dataset’s table: a publication waits for no audit of another day', async () => {
  await house().database.transaction(async (tx) => {
    await tx.query(`set local idle_in_transaction_session_timeout = '5s'`); // whoever waited would see it end
    await tx.query('lock table only warehouse.fare in access exclusive mode');
    expect(await countVersions(loader)).toEqual([]);
    await tx.query('select 1');
  });
});

test('R1: a day that readers no longer see is found, although its table is whole', async () => {
  const [part] = await partsOf(house(), '2023-01');
  await unguarded(house().database, `alter table warehouse.fare detach partition ${part?.name}`);
  expect(await audit()).toEqual({ 'rows-differ': 2 });
  await unguarded(
    house().database,
    `alter table warehouse.fare attach partition ${part?.name} for values in ('2023-01-01', '2023-01-02')`,
  );
  expect({ found: await audit(), alerts: await openAlerts() }).toEqual(NOTHING);
});

test('a dataset’s own audits see its last day alone where that was folded; one that cannot be run keeps no other from its turn', async () => {
  await loadFares(house(), '2024-02-01', { rows: 3, amount: 0 });
  await loadFares(house(), '2024-02-02', { rows: 3, amount: 1 });
  await foldFares(house(), '2024-02');
  expect(await audit()).toEqual({});
  const amount = (value: number) =>
    `update warehouse.fare set amount = ${value} where business_date = '2024-02-02' and receipt = 1`;
  expect(await harmed(amount(0), amount(1))).toEqual({
    found: { 'free-rides': 1 },
    alerts: all({ rule: 'audit-warned', date: '2024-02-02', subject: 'free-rides' }),
    afterwards: NOTHING,
  });
  const broken: Dataset = {
    ...audited,
    audits: [{ name: 'broken', severity: 'warn', sql: 'select * from nowhere' }],
  };
  const datasets = new Map([
    ['broken', broken],
    ['fares', audited],
  ]);
  const alarm = alarmIn(house(), loader);
  const ran = `select audit from nighttrain.audit_result where audit_run is not null and audit in ('broken', 'free-rides')`;
  const before = await house().ask(ran);
  await expect(auditWarehouse({ warehouse: loader, datasets, alarm, log: house().log })).rejects.toThrow(
    /"nowhere" does not exist/,
  );
  expect(await house().ask(ran)).toEqual([...before, { audit: 'free-rides' }]);
});

test('the audits read as a role that can write nothing', async () => {
  const [who] = await readOnly(loader, (tx) => tx.query<{ role: string }[]>('select current_user as role'));
  expect(who).toEqual({ role: 'nighttrain_reader' });
  await expect(
    readOnly(loader, (tx) => tx.query(`insert into nighttrain.request default values`)),
  ).rejects.toThrow(/permission denied|read-only/);
});
