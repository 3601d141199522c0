import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DataSource } from 'typeorm';
import { openWarehouse } from '../../warehouse/data-source.ts';
import { sqlStateOf } from '../../warehouse/failure.ts';
import { foldableMonths, foldMonth } from '../../warehouse/fold.ts';
import { fares } from '../support/datasets.ts';
import { openHouseOfEngines } from '../support/house-of-engines.ts';
import { ask, makeTemplate, PASSWORD, TEMPLATE } from '../support/template.ts';
import { verify } from '../support/verify.ts';

/** Three years up to yesterday, ten rows a day, each loaded as the loader loads a day. */
const YEARS = `
  do $$
  declare
    day date;
    load_epoch bigint;
    load uuid;
    opened text;
  begin
    for day in select generate_series(current_date - 1096, current_date - 1, interval '1 day')::date loop
      perform nighttrain.take_over('fares', day, 'years');
      load_epoch := nighttrain.advance_epoch('fares', day, 'years');
      load := gen_random_uuid();
      opened := nighttrain.open_day('fares', day, load_epoch, load, 1);
      execute format('insert into warehouse.%I (day, receipt, amount) select %L, n, 1 from generate_series(1, 10) n',
        opened, day);
      perform nighttrain.build_keys(opened);
      insert into nighttrain.load_batch values (load, 'fares', day, load_epoch, 'years', opened, 10, 10, 0, 0, 0,
        repeat('0', 64), 'three years', clock_timestamp());
      commit;
    end loop;
  end
  $$`;

const READERS = 40;

/** What readers are answered that all count all rows at once, each within a transaction: its rows, or an SQLSTATE. */
async function readAllAtOnce(source: DataSource): Promise<unknown[]> {
  const readers = Array.from({ length: READERS }, () => source.createQueryRunner());
  await Promise.all(readers.map((reader) => reader.connect()));
  const answers = await Promise.all(
    readers.map(async (reader) => {
      await reader.startTransaction();
      try {
        const [row] = (await reader.query('select count(*) as rows from warehouse.fare')) as {
          rows: number;
        }[];
        return row?.rows;
      } catch (error) {
        return sqlStateOf(error);
      }
    }),
  );
  await Promise.all(
    readers.map(async (reader) => {
      await reader.rollbackTransaction();
      await reader.release();
    }),
  );
  return [...new Set(answers)];
}

test('three years of days and 40 undated readers at once run a server as PostgreSQL ships it out of locks, and do not once old months are folded', async () => {
  await using engines = await openHouseOfEngines();
  const postgres = await engines.startPostgres({ max_locks_per_transaction: '64' });
  const folder = join(engines.folder, 'template');
  await mkdir(folder);
  await makeTemplate(postgres.databaseUrl, folder);
  await ask(postgres.databaseUrl, `create database years template ${TEMPLATE}`);
  const urlOf = (role?: string) => {
    const url = new URL(postgres.databaseUrl);
    url.pathname = 'years';
    if (role !== undefined) Object.assign(url, { username: role, password: PASSWORD });
    return url.href;
  };
  const loader = await openWarehouse(urlOf('nighttrain_loader'));
  const reader = await openWarehouse(urlOf('nighttrain_reader'), { poolSize: READERS });
  await loader.query(YEARS);

  const outOfMemory = '53200';
  expect(await readAllAtOnce(reader)).toContain(outOfMemory);

  const context = { signal: new AbortController().signal, progress: () => undefined };
  const months = await foldableMonths(loader, 0);
  expect(months.length).toBeGreaterThan(30);
  for (const { month } of months) await foldMonth(loader, urlOf('nighttrain_loader'), fares, month, context);
  expect(await readAllAtOnce(reader)).toEqual([10_960]);

  const owner = await openWarehouse(urlOf());
  const own = (violation: string) => !violation.includes('R5') && !violation.includes('is still there');
  expect((await verify(owner)).filter(own)).toEqual([]);
  for (const source of [loader, reader, owner]) await source.destroy();
  await postgres.stop();
}, 240_000);
