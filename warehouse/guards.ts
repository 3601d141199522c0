import type { DataSource } from 'typeorm';
import { ownFolder, readSqlFiles } from './sql-files.ts';

/** The roles that own what is guarded; nobody logs in as one of them. */
const OWNERS = ['nighttrain_owner', 'nighttrain_publisher'];
/** Each guard locks its table until COMMIT: years of days in one transaction would fill the lock table. */
const GUARDS_AT_ONCE = 200;
/** For the rest of a transaction: whoever waits for a table has everybody after him wait (R14). */
export const LOCK_PATIENCE = `set local lock_timeout = '5s'`;

/** Gives every critical table its guard, and back to those that lost it (R15). */
export async function putMissingGuards(admin: DataSource): Promise<void> {
  for (const owner of OWNERS) {
    let put = GUARDS_AT_ONCE;
    while (put === GUARDS_AT_ONCE) {
      put = await admin.transaction(async (tx) => {
        await tx.query(LOCK_PATIENCE);
        await tx.query(`set local role ${owner}`);
        const [row] = await tx.query<{ put: string }[]>('select nighttrain.put_missing_guards($1) as put', [
          GUARDS_AT_ONCE,
        ]);
        return Number(row?.put);
      });
    }
  }
}

/** Guards against DROP and ALTER by hand, where the login is a superuser: `doctor` names what is missing otherwise. */
export async function guardAgainstDdl(admin: DataSource): Promise<void> {
  const [row] = await admin.query<{ is: boolean }[]>(
    'select rolsuper as is from pg_roles where rolname = current_user',
  );
  if (row?.is !== true) return;
  for (const { sql } of await readSqlFiles(ownFolder('guards'))) await admin.query(sql);
}

/** A guard that is not as it must be. */
export interface MissingGuard {
  readonly objectName: string;
  readonly problem: string;
}

/** Guards that are missing, disabled, or stop less than they should; none means good. */
export function missingGuards(warehouse: Pick<DataSource, 'query'>): Promise<MissingGuard[]> {
  return warehouse.query(
    `select object_name as "objectName", problem from nighttrain.missing_guards() order by 1`,
  );
}

/** Something that a guard has stopped, or let pass because somebody gave a reason; as far as it is known. */
export interface GuardEvent {
  readonly eventId: number;
  readonly kind: 'stopped' | 'opened';
  /** More than one where the details of the earlier ones are in the server's log alone. */
  readonly times: number;
  readonly action: string | null;
  readonly objectName: string | null;
  readonly sessionRole: string | null;
  readonly effectiveRole: string | null;
  readonly clientAddress: string | null;
  readonly pid: number | null;
  readonly reason: string | null;
  /** ISO 8601 in UTC. */
  readonly at: string;
}

/** What nobody was told of yet, at most 1,000, the oldest first. */
export async function newGuardEvents(warehouse: DataSource): Promise<GuardEvent[]> {
  await warehouse.query('select nighttrain.take_trips()');
  return warehouse.query(
    `select event_id as "eventId", kind, times, action, object_name as "objectName",
       session_role as "sessionRole", effective_role as "effectiveRole", host(client_address) as "clientAddress",
       pid, reason, to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as at
     from nighttrain.unreported_guard_events()`,
  );
}

/** They are told of no more. */
export async function guardEventsReported(
  warehouse: DataSource,
  events: readonly GuardEvent[],
): Promise<void> {
  await warehouse.query('select nighttrain.guard_events_reported($1)', [
    events.map(({ eventId }) => eventId),
  ]);
}
