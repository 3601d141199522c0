import { expect, test } from 'vitest';
import { sqlStateOf } from '../../warehouse/failure.ts';
import { fillClients } from '../support/by-hand.ts';
import { endingOf, receiptOf } from '../support/ending.ts';
import { openHouse } from '../support/house.ts';

const lines = (...rows: string[]) => ['id,name,city', ...rows];

test('a merge says what it inserted, updated, left alone and found stale, and keeps what was there before', async () => {
  await using house = await openHouse();
  await house.startWorker();
  await house.put('clients', '2024-03-10.csv', lines('1,Awa,Douala', '2,Jean,Edéa', '3,Pauline,'));
  await house.put('clients', '2024-03-11.csv', lines('1,Awa,Douala', '2,Jean,Kribi', '4,Zacharie,Otélé'));
  await house.put('clients', '2024-03-09.csv', lines('2,Jean,Limbé', '3,Pauline,', '5,Old,Buéa'));

  const first = receiptOf(await house.run('clients', '2024-03-10'));
  expect(first.counts).toMatchObject({ read: 3, loaded: 3, discarded: 0 });
  const second = receiptOf(await house.run('clients', '2024-03-11'));
  expect(second.counts).toMatchObject({ read: 3, loaded: 3, discarded: 0 }); // one unchanged, one updated, one inserted
  // An older day: what the table has is newer, except for what it lacks and what is the same anyway.
  const late = receiptOf(await house.run('clients', '2024-03-09'));
  expect(late.counts).toMatchObject({ read: 3, loaded: 2, discarded: 1 });

  expect(
    await house.ask('select id, name, city, load_id, version from warehouse.client order by id'),
  ).toEqual([
    { id: 1, name: 'Awa', city: 'Douala', load_id: first.loadId, version: '2024-03-10' }, // unchanged: not written again
    { id: 2, name: 'Jean', city: 'Kribi', load_id: second.loadId, version: '2024-03-11' },
    { id: 3, name: 'Pauline', city: null, load_id: first.loadId, version: '2024-03-10' },
    { id: 4, name: 'Zacharie', city: 'Otélé', load_id: second.loadId, version: '2024-03-11' },
    { id: 5, name: 'Old', city: 'Buéa', load_id: late.loadId, version: '2024-03-09' },
  ]);
  expect(
    await house.ask(
      'select id, city, version, load_id, replaced_by from warehouse_history.client order by id',
    ),
  ).toEqual([
    { id: 2, city: 'Edéa', version: '2024-03-10', load_id: first.loadId, replaced_by: second.loadId },
  ]);
});

test('a merge by a version column goes by that column, whatever day the row came with', async () => {
  await using house = await openHouse();
  await house.startWorker();
  const header = 'commodity,revision,francs';
  await house.put('prices', '2024-03-10.csv', [header, 'cocoa,7,900', 'sugar,1,100']);
  await house.put('prices', '2024-03-11.csv', [header, 'cocoa,6,800', 'sugar,2,110']);
  expect(receiptOf(await house.run('prices', '2024-03-10')).counts).toMatchObject({ loaded: 2 });
  expect(receiptOf(await house.run('prices', '2024-03-11')).counts).toMatchObject({
    loaded: 1,
    discarded: 1,
  });
  expect(await house.ask('select commodity, francs, version from warehouse.price order by 1')).toEqual([
    { commodity: 'cocoa', francs: 900, version: 7 },
    { commodity: 'sugar', francs: 110, version: 2 },
  ]);
});

test('R11: of two merges that race, the one that comes second to COMMIT starts over, and nothing is lost', async () => {
  await using house = await openHouse();
  await house.startWorker();
  await house.put('clients', '2024-03-10.csv', lines('1,Awa,Douala', '2,Jean,Edéa'));
  await house.put('clients', '2024-03-11.csv', lines('2,Jean,Kribi', '3,Pauline,'));
  const held = house.wire.hold('COMMIT');
  const slow = await house.start('clients', '2024-03-10');
  const commit = await held; // its delta is computed against a table that will not stay so
  expect(await house.run('clients', '2024-03-11')).toMatchObject({ state: 'loaded' });
  expect(await commit.release()).toBe('ErrorResponse');

  const { counts } = receiptOf(await endingOf(slow));
  expect(counts).toMatchObject({ read: 2, loaded: 1, discarded: 1 }); // Jean is stale by now
  expect(await house.ask('select id, city from warehouse.client order by id')).toEqual([
    { id: 1, city: 'Douala' },
    { id: 2, city: 'Kribi' },
    { id: 3, city: null },
  ]);
  expect((await house.attempts('clients', '2024-03-10'))[0]).toMatchObject({ epoch: 1, loadEpoch: 3 });
});

test('R11: a merge that is overtaken more often than a step is tried is loaded all the same', async () => {
  await using house = await openHouse();
  await house.startWorker();
  const overtaking = ['2024-03-11', '2024-03-12', '2024-03-13', '2024-03-14', '2024-03-15'];
  for (const day of ['2024-03-10', ...overtaking]) await house.put('clients', `${day}.csv`, lines('1,Awa,'));
  const fromSlow = { from: 'nt:clients:2024-03-10:' };
  let held = house.wire.hold('COMMIT', fromSlow);
  const slow = await house.start('clients', '2024-03-10');
  for (const day of overtaking) {
    const commit = await held;
    expect(await house.run('clients', day)).toMatchObject({ state: 'loaded' });
    held = house.wire.hold('COMMIT', fromSlow);
    expect(await commit.release()).toBe('ErrorResponse');
  }
  await (await held).release();
  expect(receiptOf(await endingOf(slow)).counts).toMatchObject({ read: 1, loaded: 1 });
});

test('R11: two merges with nothing in common still come one after the other', async () => {
  await using house = await openHouse();
  await using one = await fillClients(house, '2024-03-10', [[1, 'Awa', null]]);
  await using other = await fillClients(house, '2024-03-11', [[2, 'Jean', null]]);
  await one.commit();
  const error: unknown = await other.commit().catch((cause: unknown) => cause);
  expect(sqlStateOf(error)).toBe('40001');
  expect(await house.ask('select id from warehouse.client')).toEqual([{ id: 1 }]);
});
