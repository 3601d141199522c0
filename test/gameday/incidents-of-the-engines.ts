import { hasWorker } from '../../cli/pollers.ts';
import { fareLines } from '../support/fares.ts';
import { until } from '../support/intake.ts';
import type { Incident } from './incident.ts';
import { putFares, standStill } from './incidents-of-a-run.ts';
import { failed } from './incidents-of-the-source.ts';
import { ON_CALL } from './project.ts';
import type { Stage } from './stage.ts';

/** What happens to what others run: the warehouse's data, the provider of pages, PostgreSQL, Temporal. */
export const INCIDENTS_OF_THE_ENGINES: readonly Incident[] = [
  {
    // Somebody with more rights than ours has deleted rows that were published.
    runbook: 'restore-from-backup',
    cause: async (stage, date) => {
      const { house } = stage;
      await putFares(stage, date);
      const ending = await stage.load('fares', date);
      if (ending.state !== 'loaded') throw new Error(`the day was not loaded: ${ending.error.message}`);
      const at = Date.now();
      await house.database.transaction(async (tx) => {
        await tx.query(`set local session_replication_role = 'replica'`);
        await tx.query('delete from warehouse.fare where business_date = $1 and receipt <= 5', [date]);
      });
      return { dataset: 'fares', date, at };
    },
  },
  {
    // The provider refuses every page; the night that fails meanwhile pages nobody.
    runbook: 'sms-down',
    cause: async (stage, date) => {
      stage.twilio.refuse(ON_CALL, 21610);
      await stage.house.put('fares', `${date}.csv`, fareLines(date, { bad: 10 }));
      const { alert: _, ...trouble } = await failed(stage, 'fares', date, 'reject-limit-exceeded');
      const unreached = `select from nighttrain.alert_delivery d join nighttrain.alert using (alert_id)
        where business_date = $1 and d.state = 'failed'`;
      await until(async () => (await stage.house.ask(unreached, [date])).length > 0, 20_000);
      return trouble;
    },
    heal: async (stage) => stage.twilio.mend(),
  },
  {
    runbook: 'warehouse-down',
    isExclusive: true,
    cause: async (stage, date) => {
      await standStill(stage, 'fares', date, 'COPY');
      await stage.startWatchdog();
      const at = Date.now();
      await stage.engines.strike('postgres');
      stage.house.wire.mend();
      return { dataset: 'fares', date, watchdogSays: 'PostgreSQL does not answer', at };
    },
    heal: (stage) => startAgain(stage, 'PostgreSQL does not answer'),
  },
  {
    runbook: 'temporal-down',
    isExclusive: true,
    cause: async (stage, date) => {
      await putFares(stage, date);
      await stage.startWatchdog();
      const at = Date.now();
      await stage.engines.strike('temporal');
      return { dataset: 'fares', date, watchdogSays: 'Temporal does not answer', at };
    },
    heal: (stage) => startAgain(stage, 'Temporal does not answer'),
  },
];

/** The engine comes back, and whoever was paged is told that it is over. */
async function startAgain(stage: Stage, trouble: string): Promise<void> {
  await stage.engines.start();
  await until(() => stage.hasSms(`Over: ${trouble}`), 30_000);
  await until(() => hasWorker(stage.house.client), 60_000); // as the runbook's Preconditions ask
  await stage.endWatchdog();
}
