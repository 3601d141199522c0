import type { AlertRule } from './alert-rules.ts';
import type { AttemptError, Outcome } from './attempt.ts';
import { isExhaustion } from './retryable.ts';

/** By the class of the error that ended the night. */
const BY_ERROR: Readonly<Record<string, AlertRule>> = {
  Refused: 'reject-limit-exceeded',
  EmptySource: 'empty-source',
  AuditFailed: 'audit-failed',
  SourceUnavailable: 'source-down',
  SourceNotReady: 'source-down',
  SourceForbidden: 'source-down',
  SourceContractBroken: 'source-contract-broken',
  SourceBroken: 'source-contract-broken',
  LandingFull: 'disk-full',
  CommitInDoubt: 'in-doubt-commit',
  CommitNotFound: 'in-doubt-commit',
  BatchGone: 'ledger-broken',
  // Somebody else has the day and may be loading it: no zombie, whose runbook would take the day away once more.
  Fenced: 'night-failed',
  DayIsTaken: 'night-failed',
  PredecessorMissing: 'night-missing',
};

/** Deadlock, failed serialization, a lock that was waited for in vain. */
const CONTENTION = ['40P01', '40001', '55P03'];
/** A full disk; also the bound on temporary files. */
const DISK = ['53100', '53400', 'ENOSPC'];

/** Which rule an attempt's end raises; none where it loaded. */
export function endAlertOf(outcome: Outcome, error: AttemptError | undefined): AlertRule | undefined {
  if (outcome === 'loaded') return undefined;
  if (outcome === 'cancelled') return 'night-cancelled';
  if (error?.name === 'WarehouseUnavailable') return warehouseAlertOf(error.code);
  return BY_ERROR[error?.name ?? ''] ?? 'night-failed';
}

/** What stands behind an unavailable warehouse. @param code SQLSTATE, or Node's; a wire that broke has none */
function warehouseAlertOf(code = ''): AlertRule {
  if (CONTENTION.includes(code)) return 'deadlock-storm';
  if (DISK.includes(code)) return 'disk-full';
  const isServer = code === '' || /^(08|57P)/.test(code) || isExhaustion(code) || /^E[A-Z]/.test(code);
  return isServer ? 'warehouse-down' : 'night-failed';
}
