import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { sqlStateOf } from '../../warehouse/failure.ts';
import {
  guardEventsReported,
  missingGuards,
  newGuardEvents,
  type GuardEvent,
  putMissingGuards,
} from '../../warehouse/guards.ts';
import { migrate } from '../../warehouse/migrate.ts';
import { fillClients, loadFares } from '../support/by-hand.ts';
import { shareHouse } from '../support/house.ts';
import { PASSWORD } from '../support/template.ts';

/** R15: what nobody may delete or change by hand, whatever their rights. `house()` asks as the superuser. */

const house = shareHouse();
const STOPPED = 'NT005';

beforeAll(async () => {
  await loadFares(house(), '2024-01-01', { rows: 3, amount: 1 });
  await loadFares(house(), '2024-01-01', { rows: 4, amount: 2 }); // warehouse.fare_20240101_4_1
  await using clients = await fillClients(house(), '2024-01-01', [[1, 'Awa', null]]);
  await clients.commit();
});

/** The SQLSTATE that statements in one transaction are answered with. */
const answerTo = async (...statements: string[]) =>
  house()
    .database.transaction(async (tx) => {
      for (const statement of statements) await tx.query(statement);
    })
    .then(() => undefined, sqlStateOf);

test.each([
  `delete from nighttrain.load_batch`,
  `update nighttrain.load_batch set rows_loaded = 1`,
  `truncate nighttrain.load_batch cascade`,
  `delete from nighttrain.audit_chain where false`,
  `update nighttrain.audit_chain set hash = ''`,
  `delete from nighttrain.published_day`,
  `update nighttrain.published_day set business_date = '2030-01-01'`,
  `delete from nighttrain.run_fence`,
  `delete from nighttrain.attempt`,
  `delete from nighttrain.quarantine`,
  `update nighttrain.quarantine set raw = ''`,
  `delete from nighttrain.request`,
  `delete from nighttrain.alert`,
  `truncate nighttrain.alert cascade`,
  `update nighttrain.alert_event set note = ''`,
  `delete from nighttrain.audit_result`,
  `update nighttrain.guard_event set reported_at = now()`,
  `delete from warehouse.fare`,
  `update warehouse.fare set amount = 0`,
  `truncate warehouse.fare`,
  `insert into warehouse.fare values ('2024-01-01', '2024-01-01', 99, 1, null)`,
  `delete from warehouse.fare_20240101_4_1`,
  `truncate warehouse.fare_20240101_4_1`,
  `copy warehouse.fare_20240101_4_1 from '/dev/null'`,
  `delete from warehouse_history.fare_20240101_2_1`,
  `update warehouse.client set name = 'me'`,
  `truncate warehouse_history.client`,
])('R15: a superuser cannot do it by mistake: %s', async (statement) => {
  expect(await answerTo(statement)).toBe(STOPPED);
});

test.each([
  `drop table nighttrain.load_batch cascade`,
  `drop table warehouse.fare_20240101_4_1`,
  `drop schema warehouse cascade`,
  `drop trigger guard on nighttrain.load_batch`,
  `drop function nighttrain.judge_and_publish() cascade`,
  `alter table nighttrain.load_batch disable trigger all`,
  `alter table warehouse.fare detach partition warehouse.fare_20240101_4_1`,
  `alter table warehouse.fare drop column amount`,
  `alter table warehouse.client rename to other`,
  `alter schema warehouse rename to other`,
  `alter table warehouse.client set schema public`,
  `alter trigger guard on nighttrain.load_batch rename to other`,
  `alter function nighttrain.guard() owner to postgres`,
])('R15: nor this: %s', async (statement) => {
  expect(await answerTo(statement)).toBe(STOPPED);
});

test.each(['nighttrain_owner', 'nighttrain_publisher'])(
  'R15: whoever becomes %s is stopped like anybody',
  async (role) => {
    const own = role === 'nighttrain_owner' ? 'nighttrain.attempt' : 'warehouse.client';
    for (const becoming of [`set local role ${role}`, `set local session authorization ${role}`]) {
      expect(await answerTo(becoming, `delete from ${own}`)).toBe(STOPPED);
      expect(await answerTo(becoming, `alter table ${own} rename to other`)).toBe(STOPPED);
    }
  },
);

test('what is nobody’s business but its maker’s is let pass', async () => {
  const harmless = [
    'create view warehouse.report as select * from warehouse.fare',
    'drop view warehouse.report',
    'create table warehouse_elsewhere (id int)',
    'alter table warehouse_elsewhere add column more int',
    'drop table warehouse_elsewhere',
    'create index on warehouse.client (name)',
    'analyze warehouse.client',
  ];
  for (const statement of harmless) {
    expect({ statement, state: await answerTo(statement) }).toEqual({ statement });
  }
});

describe('what was stopped', () => {
  test('is known although its transaction is rolled back: who, as whom, from where, what, when', async () => {
    await newGuardEvents(house().database).then((seen) => guardEventsReported(house().database, seen));
    const before = Date.now() - 1_000;
    await expect(
      house().database.transaction(async (tx) => {
        await tx.query('set local role nighttrain_publisher');
        await tx.query('delete from warehouse.fare_20240101_4_1');
      }),
    ).rejects.toThrow(/DELETE of warehouse.fare_20240101_4_1 is guarded/);
    await expect(house().ask('drop table nighttrain.quarantine')).rejects.toThrow(
      /DROP of nighttrain.quarantine/,
    );
    const loader = await house().open(house().loaderUrl, 'guards');
    const events = await newGuardEvents(loader);
    expect(events).toMatchObject([
      {
        kind: 'stopped',
        action: 'DELETE',
        objectName: 'warehouse.fare_20240101_4_1',
        sessionRole: 'postgres',
        effectiveRole: 'nighttrain_publisher',
        clientAddress: '127.0.0.1',
      },
      { kind: 'stopped', action: 'DROP', objectName: 'nighttrain.quarantine', effectiveRole: 'postgres' },
    ]);
    expect(Date.parse(events[0]?.at ?? '')).toBeGreaterThan(before);
    expect(await newGuardEvents(loader), 'they stay until somebody was told').toEqual(events);
    await guardEventsReported(loader, events);
    expect(await newGuardEvents(loader)).toEqual([]);
  });

  test('is counted where it came faster than anybody looked', async () => {
    for (let n = 0; n < 20; n++) expect(await answerTo('truncate nighttrain.request')).toBe(STOPPED);
    const events = await newGuardEvents(house().database);
    expect(events.reduce((sum, { times }) => sum + times, 0)).toBe(20);
    expect(events).toHaveLength(17);
    expect(events[0]).toMatchObject({ times: 4, action: null, objectName: null });
    await guardEventsReported(house().database, events);
  });

  test('is counted by numbers of which none is logged ahead: a crash of the server invents nothing that was stopped', async () => {
    expect(await answerTo('truncate nighttrain.request')).toBe(STOPPED);
    const [row] = await house().ask('select log_cnt::int as ahead from nighttrain.guard_trip');
    expect(row).toEqual({ ahead: 0 });
    await guardEventsReported(house().database, await newGuardEvents(house().database));
  });

  test('is whole whenever it is looked at: no trace is taken before its details are there', async () => {
    const loader = await house().open(house().loaderUrl, 'guards');
    const seen: GuardEvent[] = [];
    const look = async () => {
      const events = await newGuardEvents(loader);
      await guardEventsReported(loader, events);
      seen.push(...events);
    };
    for (let round = 0; round < 10; round++) {
      const stopped = Array.from({ length: 4 }, () => answerTo('truncate nighttrain.request'));
      await Promise.all([...stopped, look()]);
      await look();
    }
    expect(seen).toHaveLength(40);
    expect(seen.filter(({ action, objectName }) => action !== 'TRUNCATE' || objectName === null)).toEqual([]);
  });
});

test('R15: a reason breaks the glass for one transaction, and is kept', async () => {
  await house().database.transaction(async (tx) => {
    await tx.query(`set local nighttrain.break_glass = 'a court order'`);
    await tx.query('delete from warehouse_history.fare_20240101_2_1 where receipt = 1');
    await tx.query('alter table warehouse.client add column mine text');
    await tx.query('alter table warehouse.client drop column mine');
  });
  expect(await answerTo('delete from warehouse_history.fare_20240101_2_1')).toBe(STOPPED);
  const events = await newGuardEvents(house().database);
  expect(events.map(({ kind, action, reason }) => ({ kind, action, reason }))).toEqual([
    { kind: 'opened', action: 'DELETE', reason: 'a court order' },
    { kind: 'opened', action: 'ALTER', reason: 'a court order' },
    { kind: 'opened', action: 'DROP', reason: 'a court order' },
    { kind: 'stopped', action: 'DELETE', reason: null },
  ]);
  await guardEventsReported(house().database, events);
  await house().ask(
    `set local nighttrain.break_glass = 'put back'; insert into warehouse_history.fare_20240101_2_1 values ('2024-01-01', '2024-01-01', 1, 1, null)`,
  );
});

test('R15: a migration passes, by a login that is no superuser; it is recorded, and no news', async () => {
  const projectFolder = join(house().folder, 'migrations');
  await mkdir(projectFolder);
  await writeFile(
    join(projectFolder, '1799000000000-more.sql'),
    'alter table warehouse.client add column more text; alter table warehouse.client drop column more;',
  );
  await house().ask(`alter role nighttrain_migrator password '${PASSWORD}'`);
  const adminUrl = house().readerUrl.replace('nighttrain_reader', 'nighttrain_migrator');
  const datasets = [...house().datasets.values()];
  expect(await migrate({ adminUrl, projectFolder, datasets, bootstrap: undefined })).toEqual([
    'more1799000000000',
  ]);
  expect(
    await house().ask(
      `select action, object_name, session_role, effective_role from nighttrain.guard_event
       where reason = 'migration more1799000000000' order by event_id`,
    ),
  ).toMatchObject([
    { action: 'ALTER', object_name: 'warehouse.client', session_role: 'nighttrain_migrator' },
    { action: 'DROP', object_name: 'warehouse.client.more', effective_role: 'nighttrain_publisher' },
  ]);
  const news = await newGuardEvents(house().database);
  expect(news.filter(({ objectName }) => objectName?.startsWith('warehouse.client'))).toEqual([]);
});

test('R14: a migration waits five seconds for whoever is in its way, then says who that is; so do the guards', async () => {
  const projectFolder = join(house().folder, 'migrations-in-the-way');
  await mkdir(projectFolder);
  await writeFile(
    join(projectFolder, '1799000001000-in-the-way.sql'),
    'alter table warehouse.client add column late text; alter table warehouse.client drop column late;',
  );
  await house().ask(`alter role nighttrain_migrator password '${PASSWORD}'`);
  const adminUrl = house().readerUrl.replace('nighttrain_reader', 'nighttrain_migrator');
  const options = { adminUrl, projectFolder, datasets: [...house().datasets.values()] };
  await house().ask(
    `set local nighttrain.break_glass = 'to see'; drop trigger guard on nighttrain.alert_event;`,
  );
  const named = { message: expect.stringContaining('lock') as string };
  await house().database.transaction(async (reader) => {
    await reader.query(`set local application_name = 'a forgotten console'`);
    await reader.query('select from warehouse.client limit 1');
    await expect(migrate({ ...options, bootstrap: undefined })).rejects.toMatchObject({
      ...named,
      detail: expect.stringContaining(
        'a forgotten console holds AccessShareLock on warehouse.client',
      ) as string,
    });
  });
  await house().database.transaction(async (writer) => {
    await writer.query('lock table nighttrain.alert_event in row exclusive mode');
    await expect(migrate({ ...options, bootstrap: undefined })).rejects.toMatchObject({
      ...named,
      detail: expect.stringContaining('RowExclusiveLock on nighttrain.alert_event') as string,
    });
  });
  expect(await migrate({ ...options, bootstrap: undefined })).toEqual([]);
  expect(await missingGuards(house().database)).toEqual([]);
  await newGuardEvents(house().database).then((seen) => guardEventsReported(house().database, seen));
}, 60_000);

test('R15: guards that were taken away are named, and put back by the next migration', async () => {
  expect(await missingGuards(house().database)).toEqual([]);
  await house().ask(
    `set local nighttrain.break_glass = 'to see'; drop trigger guard on nighttrain.load_batch;
     alter table warehouse.fare_20240101_4_1 disable trigger guard; alter event trigger nighttrain_guard_drop disable`,
  );
  expect(await missingGuards(house().database)).toEqual([
    { objectName: 'event trigger nighttrain_guard_drop', problem: 'is disabled' },
    { objectName: 'nighttrain.load_batch', problem: 'has no guard' },
    { objectName: 'warehouse.fare_20240101_4_1', problem: 'has a guard that is disabled' },
  ]);
  await putMissingGuards(house().database);
  await house().ask('alter event trigger nighttrain_guard_drop enable');
  expect(await missingGuards(house().database)).toEqual([]);
});

test('R15: guards that are there and stop nobody are named as well, a table’s is put back', async () => {
  const { database } = house();
  const [guard] = await house().ask(`select pg_get_functiondef('nighttrain.guard()'::regprocedure) as made`);
  const [ddl] = await house().ask(
    `select pg_get_functiondef('nighttrain.guard_ddl()'::regprocedure) as made`,
  );
  await house().ask(
    `create or replace trigger guard before delete or update or truncate on nighttrain.load_batch
       for each statement when (false) execute function nighttrain.guard()`,
  );
  await house().ask(
    `create or replace function nighttrain.guard() returns trigger language plpgsql as 'begin return null; end'`,
  );
  await house().ask(
    `create or replace function nighttrain.guard_ddl() returns event_trigger language plpgsql as 'begin end'`,
  );
  expect(await missingGuards(database)).toMatchObject([
    { objectName: 'function nighttrain.guard', problem: expect.stringContaining('was replaced') as string },
    { objectName: 'function nighttrain.guard_ddl' },
    { objectName: 'nighttrain.load_batch', problem: 'has a guard that lets others pass than it should' },
  ]);
  await house().ask(String(guard?.['made']));
  await house().ask(String(ddl?.['made']));
  await putMissingGuards(database);
  expect(await missingGuards(database)).toEqual([]);
  expect(await answerTo('delete from nighttrain.load_batch')).toBe(STOPPED);
});
