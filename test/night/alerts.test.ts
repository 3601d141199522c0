import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkflowFailedError } from '@temporalio/client';
import { beforeAll, describe, expect, test } from 'vitest';
import { rebootCold } from '../../activities/cold-reboot.ts';
import { Spool } from '../../alerting/alarm/spool.ts';
import type { Finding } from '../../rules/alert.ts';
import type { Dataset } from '../../rules/dataset.ts';
import { findingOf } from '../../rules/night-end.ts';
import { openLoadSession } from '../../warehouse/data-source.ts';
import { evictionBy } from '../../warehouse/evict.ts';
import { ledgerOf } from '../../warehouse/ledger.ts';
import { CONTROL_ID, TASK_QUEUE, type SweepRequest } from '../../workflows/messages.ts';
import { alarmIn } from '../support/alarm.ts';
import { fares, tickets } from '../support/datasets.ts';
import { endingOf } from '../support/ending.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse, shareHouse } from '../support/house.ts';
import { containing, dayOf, until } from '../support/intake.ts';

const audited: Dataset = {
  ...tickets,
  audits: [
    { name: 'sold-at-all', severity: 'error', sql: `select 1 from :table where state = 'forged'` },
    { name: 'few-refunds', severity: 'warn', sql: `select 1 from :table where state = 'refunded'` },
  ],
};
/** Comes after tickets, whose night never comes in this house; its deadline is long past in every slot of the test. */
const schedule = {
  at: '12:00',
  dueBy: '11:59',
  timeZone: 'UTC',
  cadence: 'daily',
  after: ['tickets'],
} as const;
const waiting: Dataset = { ...fares, schedule };

const house = shareHouse({ datasets: [waiting, audited] });

/** The house's own sweep would count what the tests count. */
beforeAll(() => house().client.schedule.getHandle('nighttrain/_sweep-nights').pause('the test sweeps'));

async function sweep(of: SweepRequest['of'] = 'nights'): Promise<void> {
  await house().client.workflow.execute('sweep', {
    workflowId: `sweep/${of}/${randomUUID()}`,
    taskQueue: TASK_QUEUE,
    args: [{ of } satisfies SweepRequest],
  });
}

interface AlertSeen {
  readonly rule: string;
  readonly severity: string;
  readonly subject: string;
  readonly state: string;
  readonly times: number;
  readonly sentence: string;
  readonly facts: Record<string, unknown>;
  readonly resolvedBy: string | null;
}

const alertsOf = (date: string | null, dataset: string | null = 'fares') =>
  house().ask<AlertSeen>(
    `select rule, severity, subject, state, times, sentence, facts, resolved_by as "resolvedBy" from nighttrain.alert
     where business_date is not distinct from $1 and dataset is not distinct from $2 order by first_at`,
    [date, dataset],
  );
const ruled = (rule: string) =>
  house().ask<AlertSeen & { dataset: string | null }>(
    `select rule, dataset, subject, state, times, sentence from nighttrain.alert where rule = $1 order by first_at`,
    [rule],
  );

describe('a night that does not load is an alert', () => {
  test('refused for its rejects: with the share, the limit, the counts and where to look', async () => {
    const day = '2024-06-01';
    await house().put('fares', `${day}.csv`, fareLines(day, { good: 69, bad: 31 }));
    const load = await house().start('fares', day);
    await endingOf(load);
    expect(await alertsOf(day)).toMatchObject([
      {
        rule: 'reject-limit-exceeded',
        severity: 'error',
        state: 'firing',
        times: 1,
        sentence: `fares of ${day} is refused: 31 of 100 rows are rejected (31.0 %)`,
        facts: {
          number: '31.0 % of 100 rows rejected, limit 30 %',
          outcome: 'refused',
          error: 'Refused',
          rows: { read: 100, rejected: 31, discarded: 0 },
          rejectedByRule: { 'not-an-integer': 31 },
          hint: containing('npx nighttrain quarantine list'),
          workflowId: load.workflowId,
          runId: (await load.describe()).runId,
        },
      },
    ]);
  });

  test('loaded when the file was corrected: its alert is resolved, by the run that loaded it', async () => {
    const day = '2024-06-02';
    await house().put('fares', `${day}.csv`, fareLines(day, { otherDay: 3 }));
    await house().run('fares', day);
    expect(await alertsOf(day)).toMatchObject([
      { rule: 'empty-source', facts: { number: '3 rows read, none of them for this day' }, state: 'firing' },
    ]);
    await house().put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
    await house().replay('fares', day);
    const { runId } = await house().load('fares', day).describe();
    expect(await alertsOf(day)).toMatchObject([
      { rule: 'empty-source', state: 'resolved', resolvedBy: runId },
    ]);
  });

  test('refused again after it was loaded: it fires again, and is not over, though an older version is there', async () => {
    const day = '2024-06-02';
    await house().put('fares', `${day}.csv`, fareLines(day, { otherDay: 5 }));
    await house().replay('fares', day);
    await sweep();
    expect(await alertsOf(day)).toMatchObject([{ rule: 'empty-source', state: 'firing', times: 2 }]);
  });

  test('without its file: the source is down', async () => {
    await house().run('fares', '2024-06-03');
    expect(await alertsOf('2024-06-03')).toMatchObject([{ rule: 'source-down', times: 1 }]);
  });

  test('with a file that has lost a column: the contract is broken', async () => {
    await house().put('fares', '2024-06-04.csv', ['day,receipt', '2024-06-04,1']);
    await house().run('fares', '2024-06-04');
    expect(await alertsOf('2024-06-04')).toMatchObject([{ rule: 'source-contract-broken', times: 1 }]);
  });

  test('cancelled: a warning that says that nothing was written', async () => {
    const day = '2024-06-05';
    await house().put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
    const held = house().wire.hold('COMMIT');
    const load = await house().start('fares', day);
    await held;
    await load.cancel();
    await endingOf(load);
    expect(await alertsOf(day)).toMatchObject([
      {
        rule: 'night-cancelled',
        severity: 'warn',
        times: 1,
        sentence: `fares of ${day} was cancelled; nothing was written`,
      },
    ]);
  });

  test('stopped by an audit: audit-failed; one that only warns leaves the night loaded, and a warning', async () => {
    const rows = (...states: string[]) => [
      'ticket,changed,state',
      ...states.map((state, n) => `${n + 1},1,${state}`),
    ];
    await house().put('tickets', '2024-06-06.csv', rows('sold', 'forged'));
    await house().run('tickets', '2024-06-06');
    expect(await alertsOf('2024-06-06', 'tickets')).toMatchObject([
      { rule: 'audit-failed', severity: 'error' },
    ]);

    await house().put('tickets', '2024-06-06.csv', rows('sold', 'refunded'));
    await house().replay('tickets', '2024-06-06');
    expect(await alertsOf('2024-06-06', 'tickets')).toMatchObject([
      { rule: 'audit-failed', state: 'resolved' },
      { rule: 'audit-warned', severity: 'warn', subject: 'few-refunds', state: 'firing', times: 1 },
    ]);

    await house().put('tickets', '2024-06-06.csv', rows('sold', 'sold'));
    await house().replay('tickets', '2024-06-06');
    expect((await alertsOf('2024-06-06', 'tickets')).map(({ state }) => state)).toEqual([
      'resolved',
      'resolved',
    ]);
  });
});

describe('a night that never came to an attempt is an alert', () => {
  test('its day could not be taken over, for the dataset is none of ours', async () => {
    await house().run('nobody', '2024-06-10');
    expect(await alertsOf('2024-06-10', 'nobody')).toMatchObject([
      { rule: 'night-failed', times: 1, sentence: containing(`There is no dataset 'nobody'`) },
    ]);
  });

  test('it waited in vain for what it comes after: it is missing until it is loaded, whatever the sweep sees', async () => {
    const slot = new Date('2024-06-12T12:00:00Z');
    const nightly = house().client.schedule.getHandle('nighttrain/fares');
    await nightly.backfill({ start: slot, end: slot, overlap: 'ALLOW_ALL' });
    const night = house().client.workflow.getHandle(`nightly/fares-2024-06-12T12:00:00Z`);
    await until(async () => (await alertsOf('2024-06-11')).length > 0, 30_000);
    await expect(night.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect(await alertsOf('2024-06-11')).toMatchObject([
      { rule: 'night-missing', sentence: containing('waited until its deadline for tickets') },
    ]);
    await sweep();
    expect(await alertsOf('2024-06-11')).toMatchObject([{ rule: 'night-missing', state: 'firing' }]);
    await house().put('fares', '2024-06-11.csv', fareLines('2024-06-11', { good: 3 }));
    await house().run('fares', '2024-06-11');
    expect(await alertsOf('2024-06-11')).toMatchObject([{ rule: 'night-missing', state: 'resolved' }]);
  });

  test('it was started by nobody that has a slot: it has no business date', async () => {
    const started = await house().client.workflow.start('nightly', {
      workflowId: `nightly/by-hand`,
      taskQueue: TASK_QUEUE,
      args: [{ dataset: 'fares' }],
    });
    await expect(started.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect(await alertsOf(null)).toMatchObject([
      { rule: 'night-failed', sentence: containing('by its schedule') },
    ]);
  });
});

describe('what the sweep finds is an alert, each once', () => {
  test('an attempt whose workflow was terminated: closed and told of, and not again', async () => {
    const day = '2024-06-20';
    await house().put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
    const held = house().wire.hold('COMMIT');
    const load = await house().start('fares', day);
    await held;
    await load.terminate('an operator without patience');
    await house().ask(
      `update nighttrain.attempt set started_at = started_at - interval '1 minute' where business_date = $1`,
      [day],
    );
    await sweep();
    await sweep();
    expect(await alertsOf(day)).toMatchObject([
      { rule: 'night-failed', times: 1, state: 'firing', facts: { error: 'Abandoned' } },
    ]);
  });

  test('a cold reboot: whom it stops is cancelled, and told of as that', async () => {
    const day = '2024-06-21';
    await house().put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
    const held = house().wire.hold('COMMIT');
    const load = await house().start('fares', day);
    await held;
    await load.terminate('its worker had gone');
    const { client: temporal, log } = house();
    const warehouse = await house().open(house().loaderUrl, 'a reboot', 2);
    const alarm = alarmIn(house(), warehouse);
    const deps = {
      warehouse,
      temporal,
      log,
      alarm,
      ledger: ledgerOf(warehouse),
      eviction: evictionBy(warehouse),
    };
    await rebootCold(deps, new AbortController().signal);
    expect(await alertsOf(day)).toMatchObject([{ rule: 'night-cancelled', times: 1 }]);
  });

  test('a zombie: told of and ended; over once it is gone', async () => {
    const day = { dataset: 'tickets', businessDate: dayOf('2024-06-22') };
    for (const owner of ['run-1', 'run-2']) {
      await house().ask('select nighttrain.take_over($1, $2, $3)', [day.dataset, day.businessDate, owner]);
    }
    const zombie = await openLoadSession(house().loaderUrl, day, 1);
    await sweep();
    expect(await alertsOf(day.businessDate, 'tickets')).toMatchObject([
      { rule: 'zombie-run', subject: 'epoch 1', state: 'firing', sentence: containing('belongs to epoch 2') },
    ]);
    await sweep();
    expect(await alertsOf(day.businessDate, 'tickets')).toMatchObject([{ state: 'resolved', times: 1 }]);
    zombie.cut();
    await zombie.source.destroy().catch(() => undefined);
  });

  test('a night that found its day taken: told of, and no sweep takes it for a zombie that is gone', async () => {
    const day = { dataset: 'tickets', businessDate: dayOf('2024-06-23') };
    const error = { name: 'DayIsTaken', message: 'tickets of 2024-06-23 is being loaded by another run' };
    const finding = findingOf({ ...day, outcome: 'failed', error, workflowId: 'nightly/x', runId: 'x' });
    if (!finding) throw new Error('it raises nothing');
    const warehouse = await house().open(house().loaderUrl, 'a night', 2);
    await alarmIn(house(), warehouse).raise(finding);
    await sweep();
    await sweep();
    expect(await alertsOf(day.businessDate, 'tickets')).toMatchObject([
      { rule: 'night-failed', state: 'firing', times: 1 },
    ]);
  });

  test('a schedule that was made again and a control that was restarted: over at the next sweep', async () => {
    await house().client.schedule.getHandle('nighttrain/fares').delete();
    await house().client.workflow.getHandle(CONTROL_ID).terminate('somebody tidied up');
    await sweep();
    expect(await ruled('schedule-remade')).toMatchObject([{ subject: 'nighttrain/fares', state: 'firing' }]);
    expect(await ruled('control-restarted')).toMatchObject([
      { state: 'firing', sentence: containing('it had ended (terminated)') },
    ]);
    await sweep();
    expect(await ruled('schedule-remade')).toMatchObject([{ state: 'resolved' }]);
    expect(await ruled('control-restarted')).toMatchObject([{ state: 'resolved' }]);
  });

  test('an alert of a day that was loaded afterwards, by whomever, is over', async () => {
    const day = '2024-06-23';
    await house().put('fares', `${day}.csv`, fareLines(day, { good: 3 }));
    await house().run('fares', day);
    await house().ask(
      `insert into nighttrain.alert (rule, severity, dataset, business_date, sentence, last_at)
       values ('in-doubt-commit', 'critical', 'fares', $1, 'nobody knew yet', now() - interval '1 hour')`,
      [day],
    );
    await sweep();
    expect(await alertsOf(day)).toMatchObject([{ rule: 'in-doubt-commit', state: 'resolved' }]);
  });
});

describe('PostgreSQL down while alerting', () => {
  const spooled = () => readdir(join(house().folder, 'spool')).catch(() => []);

  test('the connection breaks before the archive has the alert: it is in the spool, and the sweep archives it once', async () => {
    const day = '2024-06-25';
    const cut = house().wire.cut('lose the request', 'ALERT', { from: 'nighttrain worker' });
    await house().run('fares', day);
    await cut;
    expect(await alertsOf(day)).toEqual([]);
    expect(await spooled()).toHaveLength(1);
    await sweep();
    expect(await spooled()).toEqual([]);
    expect(await alertsOf(day)).toMatchObject([{ rule: 'source-down', times: 1, state: 'firing' }]);
    await sweep();
    expect(await alertsOf(day)).toMatchObject([{ times: 1 }]);
  });

  test('what waits in the spool when a worker starts is archived before any sweep', async () => {
    await using own = await openHouse({ datasets: [fares] });
    const finding: Finding = {
      rule: 'night-failed',
      dataset: 'fares',
      businessDate: dayOf('2024-06-28'),
      sentence: 'It failed while PostgreSQL was down',
    };
    const occurrence = randomUUID();
    const foundAt = '2024-06-29T02:00:00.000Z';
    await new Spool(join(own.folder, 'spool')).keep({ occurrence, foundAt, finding });
    await own.startWorker();
    expect(await readdir(join(own.folder, 'spool'))).toEqual([]);
    expect(
      await own.ask(`select sentence, first_at as first from nighttrain.alert where dataset = 'fares'`),
    ).toEqual([{ sentence: finding.sentence, first: new Date(foundAt) }]);
  });

  test('the connection breaks at the very end, when the archive has the alert: it has it once', async () => {
    const day = '2024-06-26';
    const cut = house().wire.cut('lose the answer', 'COMMIT', { from: 'nighttrain worker' });
    await house().run('fares', day);
    await cut;
    await sweep();
    expect(await spooled()).toEqual([]);
    expect(await alertsOf(day)).toMatchObject([{ rule: 'source-down', times: 1, state: 'firing' }]);
  });

  test('the connection breaks while an attempt is closed: the step tries again, and the alert is counted once', async () => {
    const day = '2024-06-27';
    await house().put('fares', `${day}.csv`, fareLines(day, { otherDay: 1 }));
    const held = house().wire.hold('CLOSE', { from: 'nighttrain worker' }); // told of, not yet closed
    const load = await house().start('fares', day);
    (await held).cut();
    await endingOf(load);
    expect(await alertsOf(day)).toMatchObject([{ rule: 'empty-source', times: 1 }]);
    expect(await house().attempts('fares', day)).toMatchObject([{ state: 'refused' }]);
  });

  test('a sweep that finds PostgreSQL gone puts that into the spool; the next one says that it is over', async () => {
    const cut = house().wire.cut('lose the request', 'SWEEP', { from: 'nighttrain worker' });
    await sweep();
    await cut;
    expect(await ruled('warehouse-down')).toMatchObject([{ dataset: null, state: 'resolved', times: 1 }]);
  });
});
