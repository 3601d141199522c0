import { afterAll, beforeAll, expect, test } from 'vitest';
import { fillClients, loadFares } from '../support/by-hand.ts';
import { openHouse, type House } from '../support/house.ts';
import { until } from '../support/intake.ts';
import { verify } from '../support/verify.ts';

/** That `verify` can fail: each rule is broken by a superuser, in a transaction that is then taken back. */

let house: House;

beforeAll(async () => {
  house = await openHouse();
  await loadFares(house, '2024-01-01', { rows: 3, amount: 1 });
  await loadFares(house, '2024-01-01', { rows: 4, amount: 2 });
  await loadFares(house, '2024-01-02', { rows: 2, amount: 1 });
  {
    await using clients = await fillClients(house, '2024-01-01', [[1, 'Awa', null]]);
    await clients.commit();
  }
  await house.ask(
    `insert into nighttrain.attempt (dataset, business_date, epoch, load_epoch, owner_run_id, workflow_id, kind, state,
       rows_rejected, load_id, ended_at)
     select dataset, business_date, epoch - 1, epoch, owner_run_id, 'load', 'run', 'loaded', 0, load_id, now()
     from nighttrain.load_batch`,
  );
  await until(async () => (await house.loadSessions()).length === 0); // PostgreSQL ends a session after its client
});

afterAll(() => house[Symbol.asyncDispose]());

/** What `verify` says once the statements have done their harm. */
async function after(...statements: string[]): Promise<string[]> {
  const runner = house.database.createQueryRunner();
  await runner.startTransaction();
  try {
    await runner.query('set local session_replication_role = replica'); // no trigger and no foreign key defends itself
    for (const statement of statements) await runner.query(statement);
    return await verify(runner.manager);
  } finally {
    await runner.rollbackTransaction();
    await runner.release();
  }
}

const FIRST = `(dataset, business_date) = ('fares', '2024-01-01')`;
const SECOND = `(dataset, business_date) = ('fares', '2024-01-02')`;

test('a warehouse that nobody has touched is in order', async () => {
  expect(await verify(house.database)).toEqual([]);
});

test.each<[string, string[], RegExp]>([
  [
    'R1: a ledger row is gone',
    [`delete from nighttrain.load_batch where ${SECOND}`],
    /published without a ledger row/,
  ],
  [
    'R1: a published day is forgotten',
    [`delete from nighttrain.published_day where ${SECOND}`],
    /is not published/,
  ],
  [
    'R1: readers are shown the version before',
    [
      `update nighttrain.published_day set load_id = (
         select load_id from nighttrain.load_batch where ${FIRST} order by epoch limit 1) where ${FIRST}`,
    ],
    /see an older version than the ledger's last/,
  ],
  [
    'R1: a table is taken out of its place',
    ['alter table warehouse.fare detach partition warehouse.fare_20240102_2_1'],
    /is not where readers look/,
  ],
  [
    'R1: a table is put there by hand',
    ["create table warehouse.mine partition of warehouse.fare for values in ('2024-01-03')"],
    /readers see the table warehouse.mine/,
  ],
  [
    'R1: a table is left over',
    ['create table warehouse.fare_20240104_1_1 (id int)'],
    /left the table warehouse.fare_20240104_1_1/,
  ],
  [
    'R1: an opened table is remembered',
    [
      `insert into nighttrain.opened_table values ('x', 'fares', '2024-01-01', 1, gen_random_uuid(), null, null)`,
    ],
    /opened and never published/,
  ],
  [
    'R1: a day is said to be folded',
    [`update nighttrain.published_day set folded_into = 'fare_20240101_4_1' where ${SECOND}`],
    /2024-01-02 is folded into fare_20240101_4_1, which no fold has proved/,
  ],
  [
    'R1: a published row is deleted',
    [`delete from warehouse.fare where receipt = 1`],
    /the ledger says 4 rows/,
  ],
  [
    'R1: a row of an old version is deleted',
    ['delete from warehouse_history.fare_20240101_2_1'],
    /the ledger says 3 rows/,
  ],
  [
    'R1: a row is smuggled into a merged table',
    [`insert into warehouse.client values (2, 'Mbarga', null, gen_random_uuid(), '2024-01-01')`],
    /come from no batch/,
  ],
  [
    'R2: more was rejected than the limit lets through',
    [`update nighttrain.load_batch set rows_read = 10, rows_rejected = 8 where ${SECOND}`],
    /R2: fares of 2024-01-02 is loaded with 8 of 10 rows rejected/,
  ],
  [
    'R3: nothing was read',
    [`update nighttrain.load_batch set rows_read = 0, rows_loaded = 0 where ${SECOND}`],
    /from an empty source/,
  ],
  [
    'R4: the counts are tampered with',
    [
      'alter table nighttrain.load_batch drop constraint conservation',
      `update nighttrain.load_batch set rows_read = 99 where ${SECOND}`,
    ],
    /do not add up/,
  ],
  [
    'R5: quarantine has lost rows',
    [`update nighttrain.attempt set rows_rejected = 5 where ${SECOND}`],
    /5 rows of fares of 2024-01-02 are rejected, quarantine has 0/,
  ],
  [
    'R6: the fence is set back',
    [`update nighttrain.run_fence set epoch = 1 where ${SECOND}`],
    /R6: fares of 2024-01-02 was loaded at epoch 2, the fence is at 1/,
  ],
  [
    'R7: an attempt claims what it has not loaded',
    [`update nighttrain.attempt set load_id = gen_random_uuid() where ${SECOND}`],
    /R7: .* the ledger has no row/,
  ],
  [
    'R8: an attempt denies what it has loaded',
    [`update nighttrain.attempt set state = 'failed' where ${SECOND}`],
    /R8: .* recorded as failed/,
  ],
  [
    'R9: one run has loaded twice',
    [`update nighttrain.load_batch set owner_run_id = 'one' where ${FIRST}`],
    /R9: run one has loaded fares of 2024-01-01 2 times/,
  ],
  [
    'R16: a batch was changed afterwards',
    [`update nighttrain.load_batch set manifest = 'other' where ${SECOND}`],
    /R16: link 3 of fares: its batch was changed/,
  ],
  [
    'R16: a link is gone',
    [`delete from nighttrain.audit_chain where dataset = 'fares' and seq = 2`],
    /R16: link 3 of fares: it does not follow/,
  ],
  [
    'R16: the last link is gone',
    [`delete from nighttrain.audit_chain where dataset = 'fares' and seq = 3`],
    /the head is not the last link/,
  ],
])('%s, and verify says so', async (_, statements, sentence) => {
  expect((await after(...statements)).join('\n')).toMatch(sentence);
});

test('R6: a session of a load that is still there is named', async () => {
  await house.open(house.readerUrl, 'nt:fares:2024-01-01:7');
  expect(await verify(house.database)).toEqual([
    expect.stringMatching(/session nt:fares:2024-01-01:7 .* is still there/),
  ]);
});
