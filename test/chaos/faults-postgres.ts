import { setTimeout as pause } from 'node:timers/promises';
import type { DataSource, QueryRunner } from 'typeorm';
import type { Fault } from './fault.ts';
import { EVERY_STEP } from './faults-worker.ts';
import type { Scene } from './scene.ts';

/** What happens to PostgreSQL, and what it answers. */
export const POSTGRES_FAULTS: readonly Fault[] = [
  {
    name: 'backend-killed',
    moments: EVERY_STEP,
    strike: async (scene, { chance }, { held }) => {
      const everybody = chance.isSo(30);
      await scene.house.ask(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and usename = 'nighttrain_loader' and ($1 or application_name like 'nt:%')`,
        [everybody],
      );
      void held?.release();
      return everybody ? 'of every session' : 'of the load';
    },
  },
  {
    name: 'postgres-stopped-at-once',
    moments: EVERY_STEP,
    isExclusive: true,
    strike: async (scene, _night, { held }) => {
      const struck = scene.engines.strike('postgres');
      void held?.release();
      await struck;
    },
    heal: async (scene, { chance }) => {
      await pause(chance.between(0, 1_500));
      await scene.engines.start();
    },
  },
  {
    name: 'temporal-killed',
    moments: EVERY_STEP,
    isExclusive: true,
    strike: async (scene, _night, { held }) => {
      await scene.engines.strike('temporal');
      await held?.release();
    },
    heal: async (scene, { chance }) => {
      await pause(chance.between(0, 1_500));
      await scene.engines.start();
    },
  },
  {
    name: '40P01-deadlock',
    shows: /40P01/,
    datasets: ['fares', 'freight-movements'],
    moments: ['COMMIT'],
    strike: async (scene, { day }, { held }) => {
      await withSession(scene.house.database, async (other) => {
        await other.query('select from nighttrain.audit_chain_head where dataset = $1 for update', [
          day.dataset,
        ]);
        const answer = held?.release();
        await untilWaiting(scene, 'nt:%');
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
  ...(['40001', '57014', '53100', '40P01', '55P03', '57P03'] as const).map(planted),
];

/** The next ledger row meets this SQLSTATE: planted, where the real thing cannot be had on one machine. */
function planted(sqlState: string): Fault {
  return {
    name: `${sqlState}-planted`,
    shows: sqlState === '55P03' ? /in use for too long/ : /failed: planted/,
    datasets: ['fares', 'clients'],
    strike: async (scene, { day, chance }) => {
      const inCommit = chance.isSo(50);
      await scene.house.ask(`
        create schema if not exists planted;
        grant usage on schema planted to public;
        create sequence planted.strikes;
        grant all on sequence planted.strikes to public;
        create function planted.strike() returns trigger language plpgsql as $$
        begin
          if new.dataset = '${day.dataset}' and nextval('planted.strikes') <= ${chance.between(1, 2)} then
            raise exception 'planted' using errcode = '${sqlState}';
          end if;
          return null;
        end
        $$;
        create constraint trigger planted after insert on nighttrain.load_batch
        deferrable initially ${inCommit ? 'deferred' : 'immediate'}
        for each row execute function planted.strike()`);
      return inCommit ? 'in COMMIT' : 'at the ledger row';
    },
    heal: async (scene) => {
      await pause(1_500);
      await scene.house.ask('drop schema planted cascade');
    },
  };
}

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

async function untilWaiting(scene: Scene, application: string): Promise<void> {
  const waits = () =>
    scene.house.ask(
      `select from pg_stat_activity
       where datname = current_database() and application_name like $1 and wait_event_type = 'Lock'`,
      [application],
    );
  for (const end = performance.now() + 5_000; performance.now() < end && (await waits()).length === 0;)
    await pause(5);
}
