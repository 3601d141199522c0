import { randomUUID } from 'node:crypto';
import { WorkflowFailedError } from '@temporalio/client';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { TASK_QUEUE, type SweepRequest } from '../../workflows/messages.ts';
import { loadFares } from '../support/by-hand.ts';
import { fareLines } from '../support/fares.ts';
import { partsOf } from '../support/fold.ts';
import { openHouse, type House } from '../support/house.ts';
import { matching } from '../support/intake.ts';
import { unguarded } from '../support/unguarded.ts';

/** What the schedules start every day; with what its step failed for good, where it did. */
async function sweep(house: House, of: SweepRequest['of']): Promise<unknown> {
  const workflowId = `sweep/${of}/${randomUUID()}`;
  const request: SweepRequest = { of };
  try {
    await house.client.workflow.execute('sweep', { workflowId, taskQueue: TASK_QUEUE, args: [request] });
    return undefined;
  } catch (error) {
    const step = error instanceof WorkflowFailedError ? error.cause : undefined;
    if (!(step instanceof ActivityFailure && step.cause instanceof ApplicationFailure)) throw error;
    return step.cause.details?.[0];
  }
}

test('a month that has lost a day is not folded, and the fold says which and how it comes back; the audits raise an alert, other months are folded, and this one once the day is back', async () => {
  await using house = await openHouse({ verified: false }); // its chain is made older than it is
  await house.startWorker();
  const lost = '2024-02-02';
  for (const day of ['2024-02-01', lost, '2024-03-01', '2024-03-02'])
    await loadFares(house, day, { rows: 3, amount: 1 });
  const age = () =>
    unguarded(
      house.database,
      `update nighttrain.audit_chain set committed_at = committed_at - interval '2 days'`,
    );
  await age();
  await unguarded(house.database, `drop table warehouse.fare_20240202_2_1`);

  expect(await sweep(house, 'months')).toMatchObject({
    name: 'WarehouseRejected',
    message: '2024-02 of fares cannot be folded: of 2024-02-02 the table is gone',
    detail: 'warehouse.fare_20240202_2_1',
    hint: matching(/npx nighttrain replay fares 2024-02-02 --input landing/),
  });
  expect(await partsOf(house, '2024-02')).toHaveLength(1);
  expect(await partsOf(house, '2024-03')).toMatchObject([{ days: 2 }]);
  expect(await sweep(house, 'audits')).toBeUndefined();
  const alerts = `select severity, runbook, sentence from nighttrain.alert
    where rule = 'ledger-broken' and dataset = 'fares' and business_date = $1 and subject = 'rows-differ'`;
  expect(await house.ask(alerts, [lost])).toEqual([
    {
      severity: 'critical',
      runbook: 'restore-from-backup',
      sentence:
        'Audit rows-differ, fares of 2024-02-02: the ledger says 3 rows, warehouse.fare_20240202_2_1 has none: it is gone',
    },
  ]);

  await house.put('fares', `${lost}.csv`, fareLines(lost, { good: 3 }));
  expect(await house.replay('fares', lost)).toMatchObject({ state: 'loaded' });
  await age();
  expect(await sweep(house, 'months')).toBeUndefined();
  expect(await partsOf(house, '2024-02')).toMatchObject([{ days: 2 }]);
});
