import { expect, test } from 'vitest';
import { fareLines } from '../support/fares.ts';
import { shareHouse } from '../support/house.ts';

const house = shareHouse();

test('R2: a night with exactly 30 % rejected rows is loaded, discarded rows counting on neither side', async () => {
  const day = '2024-03-05';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 7, bad: 3, otherDay: 5 }));
  expect(await house().run('fares', day)).toMatchObject({
    state: 'loaded',
    receipt: { counts: { read: 15, loaded: 7, rejected: 3, discarded: 5, deduplicated: 0 } },
  });
  expect(
    await house().ask(`select count(*) as rows from warehouse.fare where business_date = '${day}'`),
  ).toEqual([{ rows: 7 }]);
  expect(await house().quarantine('fares', day)).toHaveLength(3);
});

test('R2, R5: one rejected row more, and nothing is kept but what was wrong with it', async () => {
  const day = '2024-03-06';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 69, bad: 31, otherDay: 1000 }));
  expect(await house().run('fares', day)).toMatchObject({
    state: 'failed',
    error: {
      name: 'Refused',
      message: 'fares of 2024-03-06 is refused: 31 of 100 rows are rejected (31.0 %)',
    },
  });
  expect(await house().ask(`select 1 from warehouse.fare where business_date = '${day}'`)).toEqual([]);
  expect(await house().attempts('fares', day)).toMatchObject([
    {
      state: 'refused',
      read: 1100,
      rejected: 31,
      discarded: 1000,
      loaded: null,
      rejectedByRule: { 'not-an-integer': 31 },
    },
  ]);
  const kept = await house().quarantine('fares', day);
  expect(kept).toHaveLength(31);
  expect(kept[0]).toMatchObject({ part: 1, record: 70, line: 71, column: 'amount', raw: `${day},70,much,` });
});

test('R3: a night in which nothing is for us is refused, whatever its file holds', async () => {
  const day = '2024-03-07';
  await house().put('fares', `${day}.csv`, fareLines(day, { otherDay: 4 }));
  expect(await house().run('fares', day)).toMatchObject({ state: 'failed', error: { name: 'EmptySource' } });
  expect(await house().attempts('fares', day)).toMatchObject([{ state: 'refused', read: 4, discarded: 4 }]);
});

test('R3: a night whose file has no row at all is refused', async () => {
  const day = '2024-03-08';
  await house().put('fares', `${day}.csv`, fareLines(day));
  expect(await house().run('fares', day)).toMatchObject({ state: 'failed', error: { name: 'EmptySource' } });
});

test('R2, R9: a day that was refused loads once its source has been put right', async () => {
  const day = '2024-03-06';
  await house().put('fares', `${day}.csv`, fareLines(day, { good: 100 }));
  expect(await house().run('fares', day)).toMatchObject({
    state: 'loaded',
    receipt: { counts: { loaded: 100 } },
  });
  expect(await house().run('fares', day)).toMatchObject({ state: 'loaded', alreadyLoaded: true });
});
