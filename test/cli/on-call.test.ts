import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeSampleInbox } from '../../local/sample-inbox.ts';
import { dayIs, stateIs } from '../../workflows/search-attributes.ts';
import { newNamespace, openInstallation, type TestInstallation } from '../support/installation.ts';
import { dayOf, until } from '../support/intake.ts';

let here: TestInstallation;

beforeAll(async () => {
  here = await openInstallation();
  const days = { flights: ['2013-02-08', '2013-02-10'], lookups: [] };
  await Promise.all([here.up(), writeSampleInbox(here.inbox, days)]);
});
afterAll(() => here[Symbol.asyncDispose]());

describe('a refused night', () => {
  test('is told with its figures and the command to type next, line by line where there is no terminal', async () => {
    const { code, stdout, stderr } = await here.run(['run', 'flights', '--date', '2013-02-08']);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^extract +82\.1 kB$/m);
    expect(stderr).toMatch(/^transform 1 part, 930 rows$/m);
    expect(stderr).toContain('flights of 2013-02-08 is refused: 475 of 930 rows are rejected (51.1 %)');
    expect(stderr).toContain('npx nighttrain quarantine list flights 2013-02-08');
  });

  test('show tells every attempt, and that nothing is published', async () => {
    const [shown, document] = await Promise.all([
      here.run(['show', 'flights', '2013-02-08']),
      here.json(['show', 'flights', '2013-02-08']),
    ]);
    expect(shown).toMatchObject({ code: 0 });
    expect(shown.stdout).toContain('flights of 2013-02-08: nothing is published');
    expect(shown.stdout).toContain('Attempt 1, by run: refused');
    expect(shown.stdout).toContain('475 incomplete');
    expect(document).toMatchObject({
      version: 1,
      batches: [],
      attempts: [
        { state: 'refused', rejectedByRule: { incomplete: 475 }, workflowId: 'load/flights/2013-02-08' },
      ],
    });
  });

  test('its rejected rows are counted by rule, shown with their raw text, and exported whole', async () => {
    const file = join(here.home, 'rejected.csv');
    const [listed, shown, written] = await Promise.all([
      here.json(['quarantine', 'list', 'flights', '2013-02-08']),
      here.json<{ rows: { raw: string }[]; isMore: boolean }>([
        'quarantine',
        'show',
        'flights',
        '2013-02-08',
        '--limit',
        '3',
      ]),
      here.run(['quarantine', 'export', 'flights', '2013-02-08', '--output', file]),
    ]);
    expect(listed).toMatchObject({ rejected: 475, rules: [{ rule: 'incomplete', rows: 475 }] });
    expect(shown.isMore).toBe(true);
    expect(shown.rows).toHaveLength(3);
    expect(shown.rows[0]?.raw).toBe(
      '2013,2,8,800,740,20,NA,927,NA,EV,4099,N12967,EWR,STL,NA,872,7,40,2013-02-08T12:00:00Z',
    );
    expect(written).toMatchObject({ code: 0 });
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\r\n');
    expect(lines).toHaveLength(476);
    expect(lines[0]).toBe('part,record,line,column,rule,reason,raw');
  });

  test('rows that the table no longer takes are exported from the landing folder', async () => {
    await here.ask(`update nighttrain.attempt set rows_rejected = 476 where business_date = '2013-02-08'`);
    const { code, stdout, stderr } = await here.run([
      'quarantine',
      'export',
      'flights',
      '2013-02-08',
      '--format',
      'jsonl',
    ]);
    expect(code).toBe(0);
    expect(stderr).toBe(
      '475 of 476 rejected rows written, because neither the table nor landing holds more\n',
    );
    expect(stdout.trimEnd().split('\n')).toHaveLength(475);
    await rm(join(here.home, 'landing'), { recursive: true });
    const lost = await here.run(['quarantine', 'export', 'flights', '2013-02-08']);
    expect(lost.code).toBe(1);
    expect(lost.stderr).toContain('landing has no file of the others');
  });

  test('R17: the raw text of a dataset with personal columns is masked unless it is asked for', async () => {
    const day = ['freight-movements', '2013-02-08'];
    await here.ask(
      `insert into nighttrain.attempt
         (dataset, business_date, epoch, owner_run_id, workflow_id, kind, state, rows_rejected, ended_at)
       values ($1, $2, 1, 'r', 'w', 'run', 'refused', 1, now())`,
      day,
    );
    await here.ask(
      `insert into nighttrain.quarantine (dataset, business_date, epoch, part, record, rule, reason, raw)
       values ($1, $2, 1, 1, 1, 'no-train', 'is missing', '{"client":"Mme Ngono"}')`,
      day,
    );
    const [masked, exported, raw] = await Promise.all([
      here.run(['quarantine', 'show', ...day]),
      here.run(['quarantine', 'export', ...day, '--format', 'jsonl']),
      here.run(['quarantine', 'show', ...day, '--raw']),
    ]);
    expect(`${masked.stdout}${exported.stdout}`).not.toContain('Ngono');
    expect(masked.stderr).toContain('--raw');
    expect(raw.stdout).toContain('Mme Ngono');
  });
});

describe('a day whose file does not come', () => {
  test('is retried in the open, and Ctrl-C ends it with exit code 130', async () => {
    const run = here.start(['run', 'flights', '--date', '2013-03-01']);
    await until(() => run.stderr.includes('extract failed'), 45_000);
    expect(run.stderr).toMatch(/try \d of 5/);
    run.kill('SIGINT');
    const { code, stderr } = await run.answer();
    expect(code).toBe(130);
    expect(stderr).toContain('flights of 2013-03-01: The load was cancelled');
    expect(await statesOf('2013-03-01')).toEqual(['cancelled']);
  });

  test('is held: nobody else loads it, a take-over ends it, cancel rolls it back', async () => {
    const held = await here.json(['run', 'flights', '--date', '2013-03-02', '--detach']);
    expect(held).toMatchObject({ workflowId: 'load/flights/2013-03-02' });
    const [again, replayed] = await Promise.all([
      here.run(['run', 'flights', '--date', '2013-03-02']),
      here.run(['replay', 'flights', '2013-03-02', '--reason', 'to see']),
    ]);
    expect(again).toMatchObject({ code: 1 });
    expect(again.stderr).toContain('is being loaded by another run');
    expect(replayed).toMatchObject({ code: 1 });
    expect(replayed.stderr).toContain('--take-over');
    const over = here.start(['replay', 'flights', '2013-03-02', '--reason', 'to see', '--take-over']);
    await until(() => over.stderr.includes('Replaying flights of 2013-03-02'), 45_000);
    const cancelled = await here.run(['cancel', 'flights', '2013-03-02']);
    expect(cancelled).toMatchObject({ code: 0 });
    expect(cancelled.stdout).toContain('was cancelled; nothing was written');
    expect(await over.answer()).toMatchObject({ code: 1 });
    expect(await statesOf('2013-03-02')).toEqual(['cancelled', 'cancelled']);
  });

  test('a backfill that is interrupted cancels what it has started, and starts no more', async () => {
    const line = ['backfill', 'flights', '--from', '2013-04-01', '--to', '2013-04-30', '--concurrency', '2'];
    const run = here.start(line);
    const started = async () =>
      (await statesOf('2013-04-01')).length + (await statesOf('2013-04-02')).length === 2;
    await until(started, 45_000);
    run.kill('SIGINT');
    expect(await run.answer()).toMatchObject({ code: 130 });
    expect(
      await here.ask(`select state from nighttrain.attempt where business_date >= '2013-04-01'`),
    ).toEqual([{ state: 'cancelled' }, { state: 'cancelled' }]);
  });
});

async function statesOf(date: string): Promise<unknown[]> {
  const rows = await here.ask(
    `select state from nighttrain.attempt where dataset = 'flights' and business_date = $1 order by epoch`,
    [date],
  );
  return rows.map(({ state }) => state);
}

test('status names the days that are missing, and those that wait for another dataset', async () => {
  const waiting = { dataset: 'flights', businessDate: dayOf('2013-05-02') };
  const nobody = { workflowId: 'nightly/waiting', taskQueue: 'nobody', args: [] };
  const typedSearchAttributes = [...dayIs(waiting), ...stateIs('waiting')];
  await here.client.workflow.start('nightly', { ...nobody, typedSearchAttributes });
  const count = () => here.client.workflow.count(`NightTrainState = 'waiting'`);
  await until(async () => (await count()).count === 1);
  const { days } = await here.json<{ days: unknown[] }>([
    'status',
    '--dataset',
    'flights',
    '--from',
    '2013-05-01',
    '--to',
    '2013-05-02',
  ]);
  expect(days).toMatchObject([
    { businessDate: '2013-05-01', state: 'missing', attempts: 0, epoch: null },
    { businessDate: '2013-05-02', state: 'waiting', attempts: 0 },
  ]);
});

test('where no worker polls, nothing is started, and the command says what to type', async () => {
  const namespace = `${here.name}_idle`;
  const client = await newNamespace(namespace);
  await client.connection.close();
  const { code, stderr } = await here.run(['run', 'flights', '--date', '2013-02-10'], {
    TEMPORAL_NAMESPACE: namespace,
  });
  expect(code).toBe(1);
  expect(stderr).toContain('No worker polls');
  expect(stderr).toContain('npx nighttrain up');
});

test('what is not there is said in a sentence with the next command, and exit code 1', async () => {
  const [cancelled, shown] = await Promise.all([
    here.run(['cancel', 'flights', '2013-06-01']),
    here.run(['show', 'flights', '2013-06-01']),
  ]);
  expect(cancelled).toMatchObject({ code: 1, stdout: '' });
  expect(cancelled.stderr).toContain('is not being loaded');
  expect(shown).toMatchObject({ code: 1, stdout: '' });
  expect(shown.stderr).toContain('npx nighttrain run flights --date 2013-06-01');
});

test.concurrent.each([
  [
    'a day that the calendar lacks',
    ['replay', 'flights', '2013-02-30', '--reason', 'x'],
    /'2013-02-30' is not a day/,
  ],
  [
    'a dataset that nobody declared',
    ['show', 'fligths', '2013-02-01'],
    /no dataset 'fligths'\nKnown are: .*flights/,
  ],
  ['a replay without a reason', ['replay', 'flights', '2013-02-01'], /--reason/],
  [
    'a range that runs backwards',
    ['backfill', 'flights', '--from', '2013-02-02', '--to', '2013-02-01'],
    /before it begins/,
  ],
  ['a range of a lifetime', ['status', '--from', '1900-01-01', '--to', '2013-02-01'], /3,700/],
  [
    'more at once than there may be',
    ['backfill', 'flights', '--from', '2013-02-01', '--to', '2013-02-02', '--concurrency', '33'],
    /from 1 to 32/,
  ],
])('%s is wrong usage: exit code 2', async (_, line, says) => {
  const { code, stdout, stderr } = await here.run(line);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(says);
  expect(stderr).not.toMatch(/\n\s+at /); // never a stack
});
