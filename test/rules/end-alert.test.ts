import { describe, expect, test } from 'vitest';
import { ALERT_RULES, RULES_OF_A_NIGHT } from '../../rules/alert-rules.ts';
import { endAlertOf } from '../../rules/end-alert.ts';
import * as errors from '../../rules/errors.ts';

const failed = (name: string, code?: string) =>
  endAlertOf('failed', { name, message: '', ...(code !== undefined && { code }) });

describe('which alert the end of a night raises', () => {
  test('a night that loaded raises none, whatever failed after its COMMIT', () => {
    expect(endAlertOf('loaded', { name: 'WarehouseUnavailable', message: '' })).toBeUndefined();
  });

  test('a night that somebody cancelled is told of as that, whatever else went wrong', () => {
    expect(endAlertOf('cancelled', undefined)).toBe('night-cancelled');
    expect(endAlertOf('cancelled', { name: 'SourceUnavailable', message: '' })).toBe('night-cancelled');
  });

  test.each([
    ['Refused', 'reject-limit-exceeded'],
    ['EmptySource', 'empty-source'],
    ['AuditFailed', 'audit-failed'],
  ] as const)('a night that is refused (%s) raises %s', (name, rule) => {
    expect(endAlertOf('refused', { name, message: '' })).toBe(rule);
  });

  test.each([
    ['SourceUnavailable', 'source-down'],
    ['SourceNotReady', 'source-down'],
    ['SourceForbidden', 'source-down'],
    ['SourceContractBroken', 'source-contract-broken'],
    ['SourceBroken', 'source-contract-broken'],
    ['LandingFull', 'disk-full'],
    ['CommitInDoubt', 'in-doubt-commit'],
    ['CommitNotFound', 'in-doubt-commit'],
    ['BatchGone', 'ledger-broken'],
    ['Fenced', 'night-failed'],
    ['DayIsTaken', 'night-failed'],
    ['PredecessorMissing', 'night-missing'],
  ] as const)('a night that ends with %s raises %s', (name, rule) => {
    expect(failed(name)).toBe(rule);
  });

  test.each([
    ['deadlocks', '40P01', 'deadlock-storm'],
    ['failed serializations', '40001', 'deadlock-storm'],
    ['locks that others held', '55P03', 'deadlock-storm'],
    ["the server's full disk", '53100', 'disk-full'],
    ['the bound on temporary files', '53400', 'disk-full'],
    ['too many connections', '53300', 'warehouse-down'],
    ['a server that shuts down', '57P01', 'warehouse-down'],
    ['a lost connection', '08006', 'warehouse-down'],
    ['a refused connection', 'ECONNREFUSED', 'warehouse-down'],
    ['a wire that broke without a word', undefined, 'warehouse-down'],
    ['a statement that took too long', '57014', 'night-failed'],
  ] as const)('a warehouse that failed by %s (%s) raises %s', (_, code, rule) => {
    expect(failed('WarehouseUnavailable', code)).toBe(rule);
  });

  test.each(['WarehouseRejected', 'LandingCorrupt', 'LimitExceeded', 'TimedOut', 'Abandoned', 'Error'])(
    'what nobody can tell from the error alone (%s) is a failed night',
    (name) => {
      expect(failed(name)).toBe('night-failed');
    },
  );

  test('no error at all is a failed night', () => {
    expect(endAlertOf('failed', undefined)).toBe('night-failed');
  });

  test('every error that Night Train raises on purpose has an alert, and every one is in the list of rules', () => {
    for (const name of Object.keys(errors)) expect(ALERT_RULES).toHaveProperty(failed(name) ?? 'none');
  });

  test('a broken ledger is not put right by loading the day again', () => {
    expect(RULES_OF_A_NIGHT).not.toContain('ledger-broken');
  });
});
