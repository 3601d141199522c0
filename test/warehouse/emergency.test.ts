import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DataSource } from 'typeorm';
import { ask, readQuestions, type Question } from '../../warehouse/emergency.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse, type House } from '../support/house.ts';
import { unguarded } from '../support/unguarded.ts';

const VALUES = { dataset: 'fares', date: '2024-01-01', code: '1001' };
let house: House;
let loader: DataSource;
let questions: ReadonlyMap<string, Question>;

beforeAll(async () => {
  house = await openHouse({ verified: false }); // rows are taken from a published day
  await house.startWorker();
  loader = await house.open(house.loaderUrl, 'emergency');
  questions = await readQuestions();
  await house.put('fares', '2024-01-01.csv', fareLines('2024-01-01', { good: 3 }));
  await house.run('fares', '2024-01-01');
});
afterAll(() => house[Symbol.asyncDispose]());

async function rowsOf(name: string, date = '2024-01-01'): Promise<readonly Record<string, unknown>[]> {
  const question = questions.get(name);
  if (!question) throw new Error(`there is no question ${name}`);
  return (await ask(loader, question, { ...VALUES, date })).rows;
}

describe('the emergency toolkit', () => {
  test('the loader itself may ask every question, and a sound day is trouble to none', async () => {
    expect(questions.size).toBeGreaterThan(8);
    const trouble: Record<string, unknown> = {};
    for (const name of questions.keys()) {
      const rows = await rowsOf(name);
      if (name !== 'disk-usage' && rows.length > 0) trouble[name] = rows;
    }
    expect(trouble).toEqual({});
    expect(await rowsOf('disk-usage')).not.toEqual([]);
  });

  test('a day that nobody loaded, and one that was refused, are not loaded', async () => {
    await house.put('fares', '2024-01-02.csv', fareLines('2024-01-02', { bad: 3 }));
    await house.run('fares', '2024-01-02');
    expect(await rowsOf('unloaded-day', '2024-01-02')).toMatchObject([
      { dataset: 'fares', state: 'refused' },
    ]);
    expect(await rowsOf('unloaded-day', '2024-01-03')).toMatchObject([{ state: 'missing', error: null }]);
  });

  test('R16: a ledger row that somebody has changed breaks its chain, and rows that are gone damage their day', async () => {
    await unguarded(house.database, `delete from warehouse.fare where receipt = 1`);
    expect(await rowsOf('damaged-day')).toMatchObject([{ ledger_says: 3, there: 2 }]);
    expect(await rowsOf('broken-links')).toEqual([]);
    await unguarded(
      house.database,
      `update nighttrain.load_batch set rows_loaded = 2, rows_discarded = 1 where business_date = '2024-01-01'`,
    );
    expect(await rowsOf('broken-links')).toMatchObject([
      { dataset: 'fares', problem: 'its batch was changed' },
    ]);
  });

  test('nothing can be written by a question, and no value becomes part of it', async () => {
    const writes = {
      name: 'writes',
      about: '',
      variables: [],
      sql: `select nextval('nighttrain.alert_code')`,
    };
    await expect(ask(loader, writes, {})).rejects.toThrow(/25006|read-only/);
    const date = `2024-01-01'; select 1; --`;
    await expect(rowsOf('unloaded-day', date)).rejects.toThrow(/22007|invalid input syntax for type date/);
  });
});
