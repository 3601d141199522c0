import { ConfigurationError, NightTrainError } from '../rules/errors.ts';
import { sqlStateOf } from './failure.ts';

/** What to do, by SQLSTATE or Node's code; the rest is in PostgreSQL's own words. */
const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nobody listens there: is PostgreSQL running, and are host and port right?',
  ENOTFOUND: 'No such host: correct it in NIGHTTRAIN_DATABASE_URL.',
  EAI_AGAIN: 'The name of the host cannot be looked up now: try again, or use its address.',
  '28P01':
    'The password is wrong, or the role was never made: correct the URL or NIGHTTRAIN_LOADER_PASSWORD, or run ' +
    '`npx nighttrain migrate --bootstrap`.',
  '28000':
    'The role may not log in from here: look at pg_hba.conf, or run `npx nighttrain migrate --bootstrap`.',
  '3D000': 'Create the database first (create database …), or correct its name in NIGHTTRAIN_DATABASE_URL.',
  '53300': 'The server has no connection left: raise max_connections, or end idle sessions.',
};

/** Why a database could not be opened, without the password that its URL holds (R17). */
export function connectionRefused(cause: unknown, url: string): NightTrainError {
  if (cause instanceof NightTrainError) return cause;
  const { host, username, pathname } = new URL(url);
  const code = sqlStateOf(cause) ?? '';
  return new ConfigurationError(`PostgreSQL at ${host} does not let ${username || 'us'} in`, {
    detail: `database ${pathname.slice(1) || '(default)'}: ${messageOf(cause)}`,
    hint: HINTS[code] ?? 'Is it a PostgreSQL, and is it reachable? `npx nighttrain doctor` looks further.',
    cause,
  });
}

/** Node reports a host with several addresses as an AggregateError without a message. */
function messageOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || (cause as NodeJS.ErrnoException).code || cause.name;
}
