import { setTimeout as pause } from 'node:timers/promises';
import type { DataSource, QueryRunner } from 'typeorm';
import type { House } from '../support/house.ts';
import type { Day } from './day.ts';
import type { Fault } from './fault.ts';
import type { Scene } from './scene.ts';

/** What PostgreSQL answers to a load that others stand in the way of. */
export const CONFLICT_FAULTS: readonly Fault[] = [
  {
    name: '40P01-deadlock',
    shows: /40P01/,
    datasets: ['fares', 'freight-movements'],
    moments: ['COMMIT'],
    strike: async (scene, { day }, { held }) => {
      await withSession(scene.house.database, async (other) => {
        await lockHead(other, day);
        const answer = held?.release();
        await untilWaiting(scene);
        // COMMIT holds the fence and waits for the head of the chain; we hold the head and ask for the fence.
        await other
          .query('select from nighttrain.run_fence where dataset = $1 and business_date = $2 for update', [
            day.dataset,
            day.date,
          ])
          .catch(() => undefined); // one of the two is chosen
        await other.rollbackTransaction();
        await answer;
      });
    },
  },
  {
    name: '40001-serialization',
    shows: /could not serialize access/,
    moments: ['COMMIT'],
    prepare: ({ house }, { chance }) => {
      const isolation = chance.of(['repeatable read', 'serializable']);
      return letLoadsBegin(house, 'default_transaction_isolation', isolation);
    },
    strike: async ({ house }, { day, chance }, { held }) => {
      // Somebody else changes what COMMIT will ask for, after the load has taken its snapshot.
      const atTheFence = chance.isSo(50);
      await (atTheFence
        ? house.ask(
            'update nighttrain.run_fence set epoch = epoch where dataset = $1 and business_date = $2',
            [day.dataset, day.date],
          )
        : house.ask('update nighttrain.audit_chain_head set seq = seq where dataset = $1', [day.dataset]));
      await held?.release();
      return atTheFence ? 'at the fence' : 'at the head of the chain';
    },
    heal: ({ house }) => letLoadsBegin(house, 'default_transaction_isolation'),
  },
  {
    name: '57014-cancelled-by-somebody',
    shows: /canceling statement due to user request/,
    moments: ['COMMIT'],
    strike: async (scene, { day }, { held }) => {
      await withSession(scene.house.database, async (other) => {
        await lockHead(other, day);
        const answer = held?.release();
        await untilWaiting(scene);
        await scene.house.ask(`select pg_cancel_backend(pid) ${WAITING}`);
        await answer;
      });
    },
  },
  {
    // COMMIT itself knows no statement_timeout: PostgreSQL takes it back before its deferred triggers run.
    name: '57014-statement-timeout',
    shows: /canceling statement due to statement timeout/,
    moments: ['LEDGER'],
    // Longer than any statement of a sound load.
    prepare: ({ house }) => letLoadsBegin(house, 'statement_timeout', '2s'),
    strike: async (scene, _night, { held }) => {
      await withSession(scene.house.database, async (other) => {
        await other.query('lock table nighttrain.load_batch in share mode');
        await held?.release();
      });
    },
    heal: ({ house }) => letLoadsBegin(house, 'statement_timeout'),
  },
  {
    name: '55P03-lock-holder',
    shows: /in use for too long/,
    datasets: ['fares'],
    moments: ['COMMIT'],
    strike: async (scene, _night, { held }) => {
      await withSession(scene.house.database, async (other) => {
        await other.query('lock table warehouse.fare in share update exclusive mode');
        await held?.release(); // refused after the 5 s of the trigger's lock time-out
      });
    },
  },
];

/** From now on sessions of the loader begin with this setting; without a value as before. */
async function letLoadsBegin(house: House, setting: string, value?: string): Promise<void> {
  const how = value === undefined ? `reset ${setting}` : `set ${setting} = '${value}'`;
  await house.ask(`alter role nighttrain_loader in database ${house.name} ${how}`);
}

async function lockHead(session: QueryRunner, { dataset }: Day): Promise<void> {
  await session.query('select from nighttrain.audit_chain_head where dataset = $1 for update', [dataset]);
}

const WAITING = `from pg_stat_activity
  where datname = current_database() and application_name like 'nt:%' and wait_event_type = 'Lock'`;

async function withSession(
  database: DataSource,
  work: (session: QueryRunner) => Promise<void>,
): Promise<void> {
  const session = database.createQueryRunner();
  await session.startTransaction();
  try {
    await work(session);
  } finally {
    if (session.isTransactionActive) await session.rollbackTransaction();
    await session.release();
  }
}

async function untilWaiting({ house }: Scene): Promise<void> {
  const waits = () => house.ask(`select ${WAITING}`);
  for (const end = performance.now() + 5_000; performance.now() < end && (await waits()).length === 0;)
    await pause(5);
}
