import { once } from 'node:events';
import { createServer } from 'node:net';
import { Connection } from '@temporalio/client';
import { expect, test } from 'vitest';
import { ask, openHouseOfEngines } from '../support/house-of-engines.ts';

test('engines are started once, and every later start and look finds the same ones', async () => {
  await using house = await openHouseOfEngines();
  expect(await house.find()).toEqual({});
  const first = await house.startBoth();
  const found = {
    databaseUrl: first.databaseUrl,
    temporalAddress: first.temporalAddress,
    temporalUiUrl: first.temporalUiUrl,
  };
  expect(await house.find()).toEqual(found);
  const { postgres, temporal } = await house.recorded();
  expect(await house.startBoth()).toMatchObject(found);
  expect(await house.recorded()).toEqual({ postgres, temporal });
});

test('stopped engines leave no process behind, and come back on the same ports with what they knew', async () => {
  await using house = await openHouseOfEngines();
  const first = await house.startBoth();
  await ask(first.databaseUrl, 'create table remembered as select 42 as answer');
  const before = await house.recorded();
  await first.stop();
  await expect.poll(() => house.processes()).toEqual([]);
  expect(await house.find()).toEqual({});

  const second = await house.startBoth();
  expect(second).toMatchObject({ databaseUrl: first.databaseUrl, temporalAddress: first.temporalAddress });
  expect(await house.recorded()).not.toEqual(before);
  expect(await ask(second.databaseUrl, 'select answer from remembered')).toBe(42);
});

test('two starts at once, in two processes and in one, give one server', async () => {
  await using house = await openHouseOfEngines();
  const [elsewhere, one, other] = await Promise.all([
    house.startElsewhere(),
    house.startPostgres(),
    house.startPostgres(),
  ]);
  expect(one.databaseUrl).toBe(other.databaseUrl);
  expect(elsewhere.engines.databaseUrl).toBe(one.databaseUrl);
  const servers = (await house.processes()).filter((line) => line.includes('/bin/postgres'));
  expect(servers).toHaveLength(1);
});

test('a port that someone else took meanwhile is given up for a free one', async () => {
  await using house = await openHouseOfEngines();
  const first = await house.startPostgres();
  const { postgres } = await house.recorded();
  await first.stop();
  const neighbour = createServer().listen(postgres?.port, '127.0.0.1');
  await once(neighbour, 'listening');
  const second = await house.startPostgres();
  neighbour.close();
  expect(new URL(second.databaseUrl).port).not.toBe(String(postgres?.port));
  expect(await ask(second.databaseUrl, 'select 1')).toBe(1);
});

test('PostgreSQL listens on the loopback interface alone, asks for a password, and sorts alike everywhere', async () => {
  await using house = await openHouseOfEngines();
  const { databaseUrl } = await house.startPostgres();
  expect(await ask(databaseUrl, 'show listen_addresses')).toBe('127.0.0.1');
  expect(await ask(databaseUrl, 'show max_locks_per_transaction')).toBe('1024');
  expect(await ask(databaseUrl, 'show client_connection_check_interval')).toBe('500ms');
  expect(await ask(databaseUrl, 'show server_encoding')).toBe('UTF8');
  expect(await ask(databaseUrl, "select 'B' < 'a' and upper('é') = 'É'")).toBe(true);
  const stranger = new URL(databaseUrl);
  stranger.password = 'guess';
  await expect(ask(stranger.href, 'select 1')).rejects.toThrow('password authentication failed');
});

test('Temporal has the search attributes of a night, and keeps closed nights for 30 days', async () => {
  await using house = await openHouseOfEngines();
  const { temporalAddress, temporalUiUrl } = await house.startBoth();
  const connection = await Connection.connect({ address: temporalAddress });
  const { customAttributes } = await connection.operatorService.listSearchAttributes({
    namespace: 'default',
  });
  const { config } = await connection.workflowService.describeNamespace({ namespace: 'default' });
  await connection.close();
  const keyword = 2;
  expect(customAttributes).toMatchObject({
    NightTrainDataset: keyword,
    NightTrainBusinessDate: keyword,
    NightTrainState: keyword,
  });
  expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 24 * 60 * 60);
  const page = await fetch(temporalUiUrl ?? '');
  expect(page.status).toBe(200);
});
