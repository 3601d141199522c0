import { fareLines } from '../support/fares.ts';
import { until } from '../support/intake.ts';
import type { Place } from '../support/wire-line.ts';
import type { Incident } from './incident.ts';
import { failed } from './incidents-of-the-source.ts';
import { lastDay } from './project.ts';
import type { Stage } from './stage.ts';

/** What happens to the run of a night. */
export const INCIDENTS_OF_A_RUN: readonly Incident[] = [
  {
    runbook: 'replay-a-day',
    cause: async (stage, date) => {
      await standStill(stage, 'fares', date, 'COPY');
      const at = Date.now();
      const { code, stderr } = await stage.type('cancel', 'fares', date);
      if (code !== 0) throw new Error(`the cancel failed: ${stderr}`);
      return { dataset: 'fares', date, alert: 'night-cancelled', at };
    },
  },
  {
    // Somebody paused a schedule, and forgot it. Before the cold reboot, which loads the last day of every dataset.
    runbook: 'night-missing',
    cause: async (stage) => {
      const { house } = stage;
      const date = lastDay();
      await putTickets(stage, date);
      const paused = await stage.type('pause', 'tickets', '--reason', 'the game day');
      if (paused.code !== 0) throw new Error(`the pause failed: ${paused.stderr}`);
      await house.ask(`update nighttrain.dataset_policy set scheduled_since = $1 where dataset = 'tickets'`, [
        date,
      ]);
      const at = Date.now();
      await stage.sweep.trigger();
      return { dataset: 'tickets', date, alert: 'night-missing', at };
    },
  },
  {
    // Its worker is frozen in mid-load and whoever supervises workers sees nothing wrong.
    runbook: 'cold-reboot',
    cause: async (stage) => {
      await stage.startWatchdog();
      const date = lastDay();
      await putTickets(stage, date);
      await standStill(stage, 'fares', date, 'COPY');
      stage.freezeWorker();
      return { dataset: 'fares', date, watchdogSays: 'The worker at', at: Date.now() };
    },
    heal: async (stage) => {
      await stage.endWatchdog(); // of a worker that is given up
      await stage.startWorker();
    },
  },
  {
    // Frozen in mid-load; the run that took its day over died before it could evict anybody.
    runbook: 'zombie-run',
    cause: async (stage, date) => {
      const { house } = stage;
      await standStill(stage, 'fares', date, 'COPY');
      stage.freezeWorker();
      await stage.startWorker();
      const at = Date.now();
      await house.load('fares', date).terminate('an operator lost patience');
      const taken = house.wire.holdAnswer('TAKE OVER', { from: 'nighttrain worker' });
      await house.start('fares', date);
      await taken;
      await stage.killWorker();
      return { dataset: 'fares', date, at };
    },
    heal: async (stage) => void (await stage.startWorker()),
  },
  {
    // PostgreSQL has committed, its answer never came, and whoever waited for it is dead.
    runbook: 'in-doubt-commit',
    cause: async (stage, date) => {
      await putFares(stage, date);
      const held = stage.house.wire.holdAnswer('COMMIT', { from: `nt:fares:${date}:` });
      await stage.house.start('fares', date);
      const answer = await held;
      const at = Date.now();
      await stage.killWorker();
      answer.cut();
      return { dataset: 'fares', date, at };
    },
    heal: async (stage) => void (await stage.startWorker()),
  },
  {
    // Somebody works on the same rows in another order, night after night.
    runbook: 'deadlock-storm',
    cause: async (stage, date) => {
      await putFares(stage, date);
      const end = failed(stage, 'fares', date, 'deadlock-storm');
      let isOver = false;
      const over = end.finally(() => (isOver = true));
      over.catch(() => undefined);
      while (!isOver) await Promise.race([over, standInTheWay(stage, date)]).catch(() => undefined);
      return end;
    },
    heal: ({ house }) => Promise.resolve(house.wire.mend()),
  },
  {
    runbook: 'disk-full',
    cause: async (stage, date) => {
      await putFares(stage, date);
      stage.worker.worker.tell({ order: 'disk', isFull: true });
      return failed(stage, 'fares', date, 'disk-full');
    },
    heal: async (stage) => stage.worker.worker.tell({ order: 'disk', isFull: false }),
  },
];

export function putFares({ house }: Stage, date: string): Promise<void> {
  return house.put('fares', `${date}.csv`, fareLines(date, { good: 20 }));
}

function putTickets({ house }: Stage, date: string): Promise<void> {
  return house.put('tickets', `${date}.csv`, ['ticket,changed,state', '1,1,sold', '2,1,used']);
}

/** Starts a load of `fares` and waits until it stands still. */
export async function standStill(stage: Stage, dataset: 'fares', date: string, place: Place): Promise<void> {
  await putFares(stage, date);
  const held = stage.house.wire.hold(place, { from: `nt:${dataset}:${date}:` });
  await stage.house.start(dataset, date, 'nightly');
  await held;
}

/** COMMIT holds the fence and waits for the head of the chain; we hold the head and ask for the fence. */
async function standInTheWay({ house }: Stage, date: string): Promise<void> {
  const held = await house.wire.hold('COMMIT', { from: `nt:fares:${date}:` });
  const other = house.database.createQueryRunner();
  try {
    await other.startTransaction();
    await other.query(`set local deadlock_timeout = '30s'`); // who looks first is chosen: the load
    await other.query(`select from nighttrain.audit_chain_head where dataset = 'fares' for update`);
    const answer = held.release();
    await until(
      async () =>
        (
          await house.ask(`select from pg_stat_activity where datname = current_database()
      and application_name like 'nt:%' and wait_event_type = 'Lock'`)
        ).length > 0,
    );
    const fence = `select from nighttrain.run_fence where dataset = 'fares' and business_date = $1 for update`;
    await other.query(fence, [date]);
    await answer;
  } finally {
    if (other.isTransactionActive) await other.rollbackTransaction();
    await other.release();
  }
}
