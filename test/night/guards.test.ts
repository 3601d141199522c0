import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { TASK_QUEUE } from '../../workflows/messages.ts';
import { shareHouse } from '../support/house.ts';

const house = shareHouse();

async function sweep(): Promise<void> {
  await house().client.workflow.execute('sweep', {
    workflowId: `sweep/${randomUUID()}`,
    taskQueue: TASK_QUEUE,
    args: [{ of: 'nights' }],
  });
}

const alerts = () =>
  house().ask(
    `select severity, subject, sentence, times, facts from nighttrain.alert where rule = 'guard-tripped' order by code`,
  );

test('R15: what a guard has stopped is an alert within a minute: one a table and day, who, what and when', async () => {
  const attempt = () =>
    expect(house().ask('delete from nighttrain.load_batch')).rejects.toThrow('is guarded');
  await attempt();
  await attempt();
  await sweep();
  const today = new Date().toISOString().slice(0, 10);
  const subject = `nighttrain.load_batch, ${today}`;
  const stopped = { severity: 'critical', subject };
  expect(await alerts()).toMatchObject([stopped]);
  const [{ sentence, facts } = {}] = await alerts();
  expect(sentence).toMatch(
    /^DELETE of nighttrain.load_batch by postgres from 127.0.0.1 at .+ was stopped; 2 times since anybody looked$/,
  );
  expect(facts).toMatchObject({ number: '2 times', events: [{ action: 'DELETE' }, { action: 'DELETE' }] });

  await sweep();
  expect(await alerts(), 'told once').toMatchObject([{ times: 1 }]);
  await attempt();
  await sweep();
  expect(await alerts(), 'counted where it fires already').toMatchObject([{ ...stopped, times: 2 }]);
});

test('R15: a guard that was opened by hand is an alert, with the reason; the name of a migration is a reason like any', async () => {
  await house().ask(
    `set local nighttrain.break_glass = 'a court order'; delete from nighttrain.quarantine_release_row`,
  );
  await house().ask(
    `set local nighttrain.break_glass = 'migration ledger1790000000001'; delete from nighttrain.quarantine_release`,
  );
  await sweep();
  expect((await alerts()).map(({ sentence }) => sentence).slice(1)).toEqual([
    expect.stringMatching(
      /^DELETE of nighttrain.quarantine_release_row by postgres from 127.0.0.1 at .+ was let pass: a court order$/,
    ),
    expect.stringMatching(
      /^DELETE of nighttrain.quarantine_release by postgres .+ was let pass: migration ledger1790000000001$/,
    ),
  ]);
});
