/** Whether trying again can help, by what the other side answered (§4, Errors). */

/** Too many rows, disk or connections: these pass, but slowly. */
export function isExhaustion(sqlState: string): boolean {
  return sqlState.startsWith('53');
}

/** SQLSTATEs of PostgreSQL that a later try can cure. */
export function isRetryableSqlState(sqlState: string): boolean {
  const codes = ['40001', '40P01', '55P03', '57014'];
  return (
    codes.includes(sqlState) ||
    sqlState.startsWith('57P0') ||
    sqlState.startsWith('08') ||
    isExhaustion(sqlState)
  );
}

/** HTTP statuses that a later try can cure. */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** A wait that the other side asks for is honoured up to this long. */
export const LONGEST_RETRY_AFTER_MS = 10 * 60_000;

/**
 * How long `Retry-After` asks us to wait, milliseconds, at most `LONGEST_RETRY_AFTER_MS`;
 * undefined where the header is absent or makes no sense.
 * @param now milliseconds since the epoch, for the form with a date
 */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  // Date.parse makes a date of nearly anything, `-5` included; the three forms of HTTP begin with a day's name.
  const date = /^\s*[A-Za-z]{3,9},? /.test(header) ? Date.parse(header) : NaN;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : date - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS);
}
