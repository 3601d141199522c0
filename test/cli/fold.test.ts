import { expect, test } from 'vitest';
import { openInstallation } from '../support/installation.ts';
import { matching } from '../support/intake.ts';
import { unguarded } from '../support/unguarded.ts';

/** Days of five rows each, as the loader loads them. */
const load = (days: string) => `
  do $$
  declare
    day date;
    load_epoch bigint;
    load uuid;
    opened text;
  begin
    foreach day in array array[${days}]::date[] loop
      perform nighttrain.take_over('bank-transactions', day, 'by hand');
      load_epoch := nighttrain.advance_epoch('bank-transactions', day, 'by hand');
      load := gen_random_uuid();
      opened := nighttrain.open_day('bank-transactions', day, load_epoch, load, 1);
      execute format('insert into warehouse.%I (transaction_id, booked_at, account_id, kind, amount)
        select n, %L, 1, ''card'', n from generate_series(1, 5) n', opened, day);
      perform nighttrain.build_keys(opened);
      insert into nighttrain.load_batch values (load, 'bank-transactions', day, load_epoch, 'by hand', opened,
        5, 5, 0, 0, 0, repeat('0', 64), 'by hand', clock_timestamp());
    end loop;
  end
  $$`;

test('months whose days are old are folded by hand too: a dry run folds none, the command does, and then none is left', async () => {
  await using here = await openInstallation();
  expect(await here.run(['migrate', '--bootstrap'])).toMatchObject({ code: 0 });
  await here.ask(load(`'2024-03-01', '2024-03-31', current_date`));
  const parts = () =>
    here.ask(`select distinct tableoid::regclass::text as name from warehouse.bank_transaction order by 1`);
  const days = await parts();
  expect(days).toHaveLength(3);

  const planned = await here.run(['fold', '--dry-run']);
  expect(planned).toMatchObject({
    code: 0,
    stdout: 'bank-transactions 2024-03: 2 days in 2 tables, 10 rows: would be folded\n',
  });
  expect(await parts()).toEqual(days);
  expect(await here.json(['fold', 'flights', '--dry-run'])).toEqual({ version: 1, dryRun: true, months: [] });
  expect(await here.run(['fold', 'flihgts'])).toMatchObject({ code: 2 });

  const analyst = here.database.createQueryRunner();
  await analyst.startTransaction();
  await analyst.query('select count(*) from warehouse.bank_transaction');
  const kept = await here.run(['fold']);
  expect(kept).toMatchObject({ code: 1, stdout: matching(/not folded\n$/), stderr: matching(/55P03/) });
  await analyst.rollbackTransaction();
  await analyst.release();

  expect(await here.json(['fold', 'bank-transactions'])).toMatchObject({
    version: 1,
    months: [{ dataset: 'bank-transactions', month: '2024-03-01', rows: 10, isFolded: true }],
  });
  expect(await parts()).toEqual([
    { name: matching(/^warehouse\.bank_transaction_202403_m\d+$/) },
    { name: matching(/^warehouse\.bank_transaction_\d{8}_2_1$/) },
  ]);
  expect(await here.run(['fold'])).toMatchObject({ code: 0, stdout: 'No month is left to fold.\n' });
  const shown = await here.run(['show', 'bank-transactions', '2024-03-31']);
  expect(shown.stdout).toMatch(
    /table {6}bank_transaction_20240331_2_1, folded into bank_transaction_202403_m\d/,
  );
}, 120_000);

test('a month that has lost a day is left as it is and named, and the months after it are folded', async () => {
  await using here = await openInstallation();
  expect(await here.run(['migrate', '--bootstrap'])).toMatchObject({ code: 0 });
  await here.ask(load(`'2024-03-01', '2024-03-31', '2024-04-01', '2024-04-02'`));
  await unguarded(here.database, 'drop table warehouse.bank_transaction_20240331_2_1');
  const { code, stdout, stderr } = await here.run(['fold']);
  expect({ code, stdout }).toEqual({
    code: 1,
    stdout:
      'bank-transactions 2024-03: 2 days in 2 tables, 10 rows: not folded\n' +
      'bank-transactions 2024-04: 2 days in 2 tables, 10 rows: folded\n',
  });
  expect(stderr).toContain('2024-03 of bank-transactions cannot be folded: of 2024-03-31 the table is gone');
}, 120_000);
