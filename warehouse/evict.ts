import { setTimeout as wait } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { WarehouseUnavailable } from '../rules/errors.ts';
import { sessionName } from './data-source.ts';

/** A backend of PostgreSQL; a reused pid has another start. */
export interface Session {
  readonly pid: number;
  /** As PostgreSQL prints it, microseconds included. */
  readonly backendStart: string;
  readonly applicationName: string;
}

/** How old attempts are ended. Liveness alone: the fence keeps them from committing even where nobody ends them (R6). */
export interface Eviction {
  /** Ends what older epochs of a day left, and waits until it is gone. */
  evictBefore(day: DatasetDay, epoch: number): Promise<void>;
  /** Ends one session, and waits until it is gone. */
  end(session: Session): Promise<void>;
}

/** Evicts through the given pool. */
export function evictionBy(warehouse: DataSource): Eviction {
  return {
    evictBefore: async (day, epoch) => evict(warehouse, await sessionsBefore(warehouse, day, epoch)),
    end: (session) => evict(warehouse, [session]),
  };
}

const LONGEST_WAIT_MS = 10_000;

/** The session behind a connection. */
export async function ownSession(source: DataSource): Promise<Session> {
  const [session] = await source.query<Session[]>(
    `select pid, backend_start::text as "backendStart", application_name as "applicationName"
     from pg_stat_activity where pid = pg_backend_pid()`,
  );
  if (!session) throw new Error('pg_stat_activity does not show our own session');
  return session;
}

/** Sessions of load attempts of the day whose epoch is below `epoch`: of this database and the loader's role alone (R6). */
export async function sessionsBefore(
  warehouse: DataSource,
  day: DatasetDay,
  epoch: number,
): Promise<Session[]> {
  return warehouse.query<Session[]>(
    `select pid, backend_start::text as "backendStart", application_name as "applicationName"
     from pg_stat_activity
     where datname = current_database() and usename = current_user
       and starts_with(application_name, $1)
       and substr(application_name, length($1) + 1) ~ '^[0-9]{1,18}$'
       and substr(application_name, length($1) + 1)::bigint < $2`,
    [sessionName(day, 0).slice(0, -1), epoch],
  );
}

/**
 * Ends sessions and waits until they are gone: what they had not committed by then will never be.
 * @throws WarehouseUnavailable naming who holds on after 10 s
 */
export async function evict(warehouse: DataSource, sessions: readonly Session[]): Promise<void> {
  const deadline = Date.now() + LONGEST_WAIT_MS;
  let alive = sessions;
  while (alive.length > 0) {
    alive = await warehouse.query<Session[]>(
      `select a.pid, a.backend_start::text as "backendStart", a.application_name as "applicationName",
         pg_terminate_backend(a.pid)
       from jsonb_to_recordset($1::jsonb) as s(pid int, "backendStart" timestamptz)
         join pg_stat_activity a on a.pid = s.pid and a.backend_start = s."backendStart"`,
      [JSON.stringify(alive)],
    );
    if (alive.length > 0 && Date.now() > deadline) {
      throw new WarehouseUnavailable('Sessions of older attempts do not go away', {
        detail: alive.map(({ applicationName, pid }) => `${applicationName} (pid ${pid})`).join(', '),
        hint: 'Look at pg_stat_activity for what they wait for.',
      });
    }
    if (alive.length > 0) await wait(20);
  }
}
