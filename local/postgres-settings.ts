import { LOOPBACK } from './ports.ts';

/** Ours differ from PostgreSQL's defaults where a night needs it, or where a laptop's disk does. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: LOOPBACK,
  unix_socket_directories: '', // a home's path may be longer than a socket's may be
  max_connections: '100',
  max_locks_per_transaction: '1024', // undated queries lock every daily partition (§5)
  client_connection_check_interval: '500ms', // ends the statements of clients that died
  shared_buffers: '256MB',
  // Rows and keys of a table that its own transaction made are written once, not twice: a night is one such table.
  // Nothing replicates or archives a server that lives under a home; it is backed up by pg_dump.
  wal_level: 'minimal',
  max_wal_senders: '0',
  maintenance_work_mem: '256MB', // the key of five million rows is sorted in memory
  max_wal_size: '2GB', // one checkpoint less in a load of millions of rows
  checkpoint_timeout: '15min', // a page that changes first after one is written whole: docs/guides/postgres.md
  jit: 'off',
  lc_messages: 'C',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // a log of 24 hours at most: each hour's file is emptied when its hour comes round again
  logging_collector: 'on',
  log_directory: '../log',
  log_filename: 'postgres-%H.log',
  log_rotation_age: '60',
  log_rotation_size: '0',
  log_truncate_on_rotation: 'on',
  log_line_prefix: '%m [%p] %q%a ',
  // statements, details and contexts hold passwords and rows (R17)
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
};

export function postgresArguments(
  data: string,
  port: number,
  more: Readonly<Record<string, string>>,
): string[] {
  const settings = Object.entries({ ...SETTINGS, port: String(port), ...more });
  return ['-D', data, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}
