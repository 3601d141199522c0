import { beforeAll, expect, test } from 'vitest';
import type { DataSource } from 'typeorm';
import { sqlStateOf } from '../../warehouse/failure.ts';
import { loadFares } from '../support/by-hand.ts';
import { shareHouse } from '../support/house.ts';

/** R6, R15: the loader owns nothing; it can open and fill tables of its own, and add ledger rows that COMMIT judges. */

const house = shareHouse();
let loader: DataSource;
let reader: DataSource;

beforeAll(async () => {
  await loadFares(house(), '2024-01-01', { rows: 3, amount: 1 });
  await loadFares(house(), '2024-01-01', { rows: 4, amount: 2 }); // warehouse.fare_20240101_4_1
  loader = await house().open(house().loaderUrl, 'loader');
  reader = await house().open(house().readerUrl, 'reader');
});

const INSUFFICIENT_PRIVILEGE = '42501';

/** The SQLSTATE that a statement is answered with. */
const answerTo = async (source: DataSource, statement: string) =>
  sqlStateOf(await source.query(statement).catch((error: unknown) => error));

test.each([
  `update nighttrain.load_batch set rows_loaded = 1`,
  `delete from nighttrain.load_batch`,
  `truncate nighttrain.load_batch cascade`,
  `alter table nighttrain.load_batch disable trigger all`,
  `drop trigger judge_and_publish on nighttrain.load_batch`,
  `update nighttrain.audit_chain set hash = '\\x'`,
  `insert into nighttrain.audit_chain values ('fares', 9, gen_random_uuid(), '', '', now())`,
  `update nighttrain.audit_chain_head set seq = 0`,
])('R6, R16: the loader cannot touch what was proven: %s', async (statement) => {
  expect(await answerTo(loader, statement)).toBe(INSUFFICIENT_PRIVILEGE);
});

test.each([
  `update nighttrain.dataset_policy set reject_limit_percent = 100`,
  `insert into nighttrain.dataset_policy values ('mine', 'mine', 'merge', '{id}', null, 100, true, 1)`,
  `update nighttrain.run_fence set epoch = epoch + 1`,
  `insert into nighttrain.run_fence values ('fares', '2030-01-01', 1, 'me', now())`,
  `delete from nighttrain.run_fence`,
  `update nighttrain.published_day set business_date = '2030-01-01'`,
  `insert into nighttrain.opened_table values ('fare_20240101_4_1', 'fares', '2024-01-01', 9, gen_random_uuid(), null, null)`,
])('R2, R6: the loader cannot write what it is judged by: %s', async (statement) => {
  expect(await answerTo(loader, statement)).toBe(INSUFFICIENT_PRIVILEGE);
});

test.each([
  `insert into warehouse.fare values ('2024-01-01', '2024-01-01', 99, 1, null)`,
  `insert into warehouse.fare_20240101_4_1 values ('2024-01-01', '2024-01-01', 99, 1, null)`,
  `copy warehouse.fare from program 'true'`,
  `update warehouse.fare set amount = 0`,
  `delete from warehouse.fare`,
  `truncate warehouse.fare`,
  `truncate warehouse.fare_20240101_4_1`,
  `drop table warehouse.fare_20240101_4_1`,
  `alter table warehouse.fare detach partition warehouse.fare_20240101_4_1`,
  `alter table warehouse.fare attach partition warehouse_history.fare_20240101_2_1 for values in ('2024-01-02')`,
  `alter table warehouse.fare add column mine text`,
  `create table warehouse.mine (id int)`,
  `insert into warehouse.client values (1, 'me', null, gen_random_uuid(), '2024-01-01')`,
  `delete from warehouse_history.fare_20240101_2_1`,
  `drop table warehouse_history.fare_20240101_2_1`,
  `drop schema warehouse cascade`,
])('R15: the loader cannot change what is published: %s', async (statement) => {
  expect(await answerTo(loader, statement)).toBe(INSUFFICIENT_PRIVILEGE);
});

test.each([
  `select nighttrain.swap_day('fare', 'fare_20240101_4_1', '2024-01-01', null)`,
  `select nighttrain.judge_and_publish()`,
  `set role nighttrain_publisher`,
  `set role nighttrain_owner`,
  `create function nighttrain.mine() returns int language sql as 'select 1'`,
])('R15: the loader has no other way in: %s', async (statement) => {
  expect(await answerTo(loader, statement)).toBe(INSUFFICIENT_PRIVILEGE);
});

test.each([
  `select nighttrain.take_over('fares', '2024-01-01', 'me')`,
  `select nighttrain.lock_fence('fares', '2024-01-01')`,
  `insert into nighttrain.quarantine values ('fares', '2024-01-01', 1, 1, 1, 'r', 1, null, 'x', 'y')`,
  `delete from warehouse.fare`,
])('R15: a reader reads: %s', async (statement) => {
  expect(await answerTo(reader, statement)).toBe(INSUFFICIENT_PRIVILEGE);
});

test('R15: a SECURITY DEFINER function looks for names in no schema that others can write', async () => {
  const functions = await house().ask<{ name: string; path: string[] | null }>(
    `select proname as name, proconfig as path from pg_proc
     where pronamespace = 'nighttrain'::regnamespace and prosecdef`,
  );
  expect(functions.length).toBeGreaterThan(5);
  const astray = functions.filter(({ path }) => !path?.includes('search_path=pg_catalog, pg_temp'));
  expect(astray).toEqual([]);
});
