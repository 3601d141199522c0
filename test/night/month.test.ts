import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { fares } from '../support/datasets.ts';
import { fareLines } from '../support/fares.ts';
import { shareHouse } from '../support/house.ts';
import { matching } from '../support/intake.ts';

/** Fares of a whole month. */
const house = shareHouse({ datasets: [{ ...fares, dayOfRow: { monthOf: 'day' } }] });

const WHY = '2024-09-15 is no date of fares: its whole month is loaded as 2024-09-01';

test('a month is not loaded a second time under another of its days, whoever starts the load', async () => {
  for (const date of ['2024-09-01', '2024-09-15'])
    await house().put('fares', `${date}.csv`, fareLines(date, { good: 3 }));
  expect(await house().run('fares', '2024-09-01')).toMatchObject({ state: 'loaded' });
  expect(await house().run('fares', '2024-09-15')).toMatchObject({
    state: 'failed',
    error: { name: 'UsageError', message: WHY, hint: matching(/run fares --date 2024-09-01$/) },
  });
  const days = (table: string) => house().ask(`select distinct business_date::text as day from ${table}`);
  for (const table of [
    'warehouse.fare',
    'nighttrain.load_batch',
    'nighttrain.attempt',
    'nighttrain.run_fence',
  ])
    expect({ table, days: await days(table) }).toEqual({ table, days: [{ day: '2024-09-01' }] });
});

test('a signal for another day of the month is recorded as refused', async () => {
  const requestId = randomUUID();
  await house().signal('replayDay', house().replayPayload('fares', '2024-09-15', { requestId }));
  expect(await house().answerTo(requestId)).toMatchObject({ state: 'refused', answer: WHY });
});
