import { isExhaustion, isRetryableSqlState } from '../rules/retryable.ts';
import {
  EmptySource,
  Fenced,
  NightTrainError,
  Refused,
  WarehouseRejected,
  WarehouseUnavailable,
} from '../rules/errors.ts';

/** What PostgreSQL or the socket under it says of a failure; TypeORM hides it one level down. */
interface DriverError extends Error {
  readonly code?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly where?: string;
}

/** The five-character SQLSTATE, or Node's error code, or undefined. */
export function sqlStateOf(error: unknown): string | undefined {
  return driverErrorOf(error)?.code;
}

/** What went wrong in the warehouse, as one of our errors: the only place that maps SQLSTATE to class. */
export function warehouseError(error: unknown, doing: string): NightTrainError {
  if (error instanceof NightTrainError) return error;
  const driver = driverErrorOf(error);
  const code = driver?.code ?? '';
  const message = `${doing}: ${driver?.message ?? String(error)}`;
  const options = {
    ...(driver?.detail !== undefined && !holdsRow(code) && { detail: driver.detail }),
    ...(driver?.hint !== undefined && { hint: driver.hint }),
    cause: error,
  };
  if (code === 'NT001') return new Fenced(message, options);
  if (code === 'NT002') return new Refused(message, options);
  if (code === 'NT003') return new EmptySource(message, options);
  if (isConnectionLoss(error)) return new WarehouseUnavailable(message, options);
  if (isExhaustion(code)) {
    const hint = 'The server is out of disk, memory or connections: make room; the step is tried again.';
    return new WarehouseUnavailable(message, { ...options, hint, retryAfterMs: 30_000 });
  }
  return isRetryableSqlState(code)
    ? new WarehouseUnavailable(`${message} (${code})`, options)
    : new WarehouseRejected(code ? `${message} (${code})` : message, options);
}

/** Of an integrity violation PostgreSQL's detail is the row or its key, which may be personal (R17). */
function holdsRow(code: string): boolean {
  return code.startsWith('23');
}

/** Whether a lock was waited for in vain; also of an error that was mapped already. */
export function isLockTimeout(error: unknown): boolean {
  const { cause } = error instanceof NightTrainError ? error : { cause: error };
  return sqlStateOf(cause) === '55P03';
}

/** Whether somebody else's COMMIT came first, so that all must be looked at anew; also of an error that was mapped already. */
export function isOvertaken(error: unknown): boolean {
  const { cause } = error instanceof NightTrainError ? error : { cause: error };
  return sqlStateOf(cause) === '40001';
}

/** Whether a table that was asked is not there, or no longer; also of an error that was mapped already. */
export function isTableGone(error: unknown): boolean {
  const { cause } = error instanceof NightTrainError ? error : { cause: error };
  return sqlStateOf(cause) === '42P01';
}

/** In the words of pg, which has no codes: a connection that broke, that could not be made, or that no pool had to give. */
const LOST =
  /connection terminated|connection ended|not queryable|client was closed|connection timeout|timeout expired|timeout exceeded when trying to connect/i;

/** Whether the session is gone, so that nothing is known of what it was doing. */
export function isConnectionLoss(error: unknown): boolean {
  const driver = driverErrorOf(error);
  const code = driver?.code ?? '';
  if (/^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENOTFOUND|ENET)/.test(code) || /^(57P0|08)/.test(code)) return true;
  return LOST.test(driver?.message ?? '');
}

function driverErrorOf(error: unknown): DriverError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { driverError } = error as { driverError?: unknown };
  return driverError instanceof Error ? driverError : error;
}
