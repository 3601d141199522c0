import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { localDate, addDays } from '../../rules/business-date.ts';
import type { Dataset } from '../../rules/dataset.ts';
import { fares, tickets } from '../support/datasets.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse } from '../support/house.ts';
import { until } from '../support/intake.ts';

const schedule = { at: '00:00', dueBy: '23:59', timeZone: 'UTC', cadence: 'daily', after: [] } as const;
const scheduled: Dataset = { ...fares, schedule };

test('a cold reboot by signal ends every load, leaves no session, and replays the last day', async () => {
  await using house = await openHouse({ datasets: [scheduled, tickets] });
  await house.startWorker();
  const today = localDate(new Date().toISOString(), 'UTC');
  const last = [addDays(today, -1), today]; // should it be midnight meanwhile
  for (const day of last) await house.put('fares', `${day}.csv`, fareLines(day, { good: 4 }));
  for (const day of ['2024-06-01', '2024-06-02'])
    await house.put('fares', `${day}.csv`, fareLines(day, { good: 3 }));

  const inCopy = house.wire.hold('COPY');
  await house.start('fares', '2024-06-01');
  await inCopy;
  const atCommit = house.wire.hold('COMMIT');
  await house.start('fares', '2024-06-02');
  await atCommit;
  expect(await house.loadSessions()).toHaveLength(2);

  const requestId = randomUUID();
  await house.signal('coldReboot', {
    requestId,
    requestedBy: 'test',
    reason: 'nobody knows any more',
    replayLast: true,
  });
  const { state, answer } = await house.answerTo(requestId);
  expect({ state, answer }).toMatchObject({
    state: 'started',
    answer: expect.stringContaining('2 loads cancelled') as unknown,
  });
  for (const day of ['2024-06-01', '2024-06-02']) {
    expect(await house.attempts('fares', day)).toMatchObject([{ state: 'cancelled' }]);
  }
  const loaded = `select from nighttrain.load_batch where dataset = 'fares' and business_date = any($1)`;
  await until(async () => (await house.ask(loaded, [last])).length === 1, 30_000);
  expect(await house.ask('select from warehouse.fare')).toHaveLength(4);
});

test('a cold reboot with a malformed request is refused, with the reason', async () => {
  await using house = await openHouse({ datasets: [fares] });
  await house.startWorker();
  await house.signal('coldReboot', { requestId: 'r-1', requestedBy: 'test', reason: '' });
  await house.signal('coldReboot', 'now');
  await until(async () => (await house.requests()).length === 2);
  expect((await house.requests())[0]?.requestId).toBe('r-1'); // whoever sent it finds the answer
  expect((await house.requests()).map(({ kind, state, answer }) => ({ kind, state, answer }))).toEqual([
    { kind: 'coldReboot', state: 'refused', answer: 'reason must be a text' },
    { kind: 'coldReboot', state: 'refused', answer: 'the payload is no JSON object' },
  ]);
});
