import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { expireStorage } from '../../activities/sweep-storage.ts';
import { openLandingFolder } from '../../intake/landing-folder.ts';
import type { DataSource } from 'typeorm';
import { keepings } from '../../warehouse/retention.ts';
import { TASK_QUEUE } from '../../workflows/messages.ts';
import { fareLines } from '../support/fares.ts';
import { loadFares } from '../support/by-hand.ts';
import { foldFares, unfoldFares } from '../support/fold.ts';
import { unguarded } from '../support/unguarded.ts';
import { shareHouse } from '../support/house.ts';

/** R19: what was kept for long enough goes, through the guards, and nothing else. */

const house = shareHouse({ verified: false }); // rejected rows of a night are gone at the end
let loader: DataSource;

/** Records by kind: those whose time is over, and those that stay. */
const OLD = `now() - interval '401 days'`;

beforeAll(async () => {
  loader = await house().open(house().loaderUrl, 'retention');
  await house().put('fares', '2024-01-01.csv', fareLines('2024-01-01', { good: 30, bad: 2 }));
  await house().run('fares', '2024-01-01');
  await house().replay('fares', '2024-01-01');
  await house().replay('fares', '2024-01-01');
  // as long ago as need be: the guards let rows age that may change, and a reason does the rest
  await house().ask(`update nighttrain.attempt set started_at = ${OLD}, ended_at = ${OLD}`);
  await house().ask(`update nighttrain.request set received_at = ${OLD} where kind = 'replayDay'`);
  await house().ask(
    `insert into nighttrain.request (request_id, kind, requested_by, reason, payload, state, answer, received_at)
     values ('pending', 'replayDay', 'test', 'x', '{}', 'accepted', '', ${OLD})`,
  );
  await house().ask(
    `insert into nighttrain.alert (rule, severity, subject, sentence, state, resolved_at, first_at, last_at)
     values ('night-failed', 'error', 'over', 'x', 'resolved', ${OLD}, ${OLD}, ${OLD}),
       ('night-failed', 'error', 'open', 'x', 'firing', null, ${OLD}, ${OLD}),
       ('night-failed', 'error', 'over lately', 'x', 'resolved', now(), ${OLD}, ${OLD})`,
  );
  await house().ask(
    `insert into nighttrain.alert_event (alert_id, firing, kind, by_whom, via)
     select alert_id, 1, 'fired', 'test', 'test' from nighttrain.alert where rule = 'night-failed'`,
  );
  await house().ask(
    `insert into nighttrain.audit_result (audit_run, audit, severity, rows_found, sample, ran_at)
     values (gen_random_uuid(), 'old', 'error', 0, '[]', ${OLD}), (gen_random_uuid(), 'new', 'error', 0, '[]', now())`,
  );
  await house().database.transaction(async (tx) => {
    await tx.query(`set local nighttrain.break_glass = 'to see rows age'`);
    await tx.query(`update nighttrain.quarantine set quarantined_at = now() - interval '91 days' where record = (
      select min(record) from nighttrain.quarantine)`);
  });
  for (const day of ['2023-01-01', '2023-01-02']) await loadFares(house(), day, { rows: 1, amount: 1 });
  for (const work of [foldFares, unfoldFares, foldFares]) await work(house(), '2023-01');
  await unguarded(house().database, `update nighttrain.fold set folded_at = ${OLD}`);
});

const COUNTS = `select
  (select count(*)::int from nighttrain.quarantine) as quarantine,
  (select count(*)::int from nighttrain.attempt) as attempt,
  (select array_agg(subject order by subject) from nighttrain.alert where rule = 'night-failed') as alerts,
  (select count(*)::int from nighttrain.alert_event e join nighttrain.alert using (alert_id)
   where rule = 'night-failed') as events,
  (select array_agg(request_id) from nighttrain.request) as requests,
  (select array_agg(kind) from nighttrain.fold) as folds,
  (select count(*)::int from nighttrain.fold_day) as proofs,
  (select array_agg(audit) from nighttrain.audit_result where audit_run is not null) as audits`;

test('R19: a dry run says what would go, and the hourly sweep gives back just that', async () => {
  const [before] = await house().ask(COUNTS);
  const landing = openLandingFolder(`${house().folder}/landing`);
  const { log, datasets } = house();
  const planned = await expireStorage({ warehouse: loader, landing, log, datasets }, { dryRun: true });
  expect((await house().ask(COUNTS))[0]).toEqual(before);
  expect(planned).toMatchObject({
    landing: 3,
    quarantine: 3, // the same record of three attempts
    attempt: 2,
    alert: 1,
    request: 2,
    audit_result: 1,
    quarantine_release: 0,
    fold_day: 4,
    fold: 0, // their days are still there
  });

  await house().client.workflow.execute('sweep', {
    workflowId: `sweep/${randomUUID()}`,
    taskQueue: TASK_QUEUE,
    args: [{ of: 'storage' }],
  });
  expect((await house().ask(COUNTS))[0]).toEqual({
    quarantine: 3,
    attempt: 1, // of the version that readers see
    alerts: ['open', 'over lately'],
    events: 2,
    requests: ['pending'],
    folds: ['fold'], // whose proofs are of where the days lie now
    proofs: 2,
    audits: ['new'],
  });
  const again = await expireStorage({ warehouse: loader, landing, log, datasets }, { dryRun: true });
  expect(new Set(Object.values(again))).toEqual(new Set([0]));
});

test('R19: no kind of record goes before its time, whatever the loader asks for; nor does one that nobody knows', async () => {
  await house().ask(
    `insert into nighttrain.request (request_id, kind, requested_by, reason, payload, state, answer, received_at)
     values ('a year old', 'replayDay', 'test', 'x', '{}', 'started', '', now() - interval '399 days')`,
  );
  await house().ask(
    `insert into nighttrain.quarantine select * from jsonb_populate_record(null::nighttrain.quarantine, (
       select to_jsonb(q) || jsonb_build_object('record', 999, 'quarantined_at', now() - interval '89 days')
       from nighttrain.quarantine q limit 1))`,
  );
  for (const { kind } of keepings(1)) {
    const [row] = await loader.query<{ rows: number }[]>(
      'select nighttrain.expire_records($1, 1, 100, true) as rows',
      [kind],
    );
    expect({ kind, ...row }).toEqual({ kind, rows: 0 });
  }
  await expect(loader.query(`select nighttrain.expire_records('load_batch', 1, 1, true)`)).rejects.toThrow(
    /no records of the kind load_batch/,
  );
});
