export type Severity = 'warn' | 'error' | 'critical';

/** What an alert of one rule means for whoever is called. */
interface AlertRuleFacts {
  readonly severity: Severity;
  /** The file in runbooks/ that says what to do. */
  readonly runbook: string;
}

const rule = (severity: Severity, runbook: string): AlertRuleFacts => ({ severity, runbook });

/** Every rule that raises an alert. */
export const ALERT_RULES = {
  'reject-limit-exceeded': rule('error', 'reject-limit-exceeded'),
  'empty-source': rule('error', 'empty-source'),
  'audit-failed': rule('error', 'replay-a-day'),
  'audit-warned': rule('warn', 'replay-a-day'),
  'source-down': rule('error', 'source-down'),
  'source-contract-broken': rule('error', 'source-contract-broken'),
  'deadlock-storm': rule('error', 'deadlock-storm'),
  'disk-full': rule('critical', 'disk-full'),
  'in-doubt-commit': rule('critical', 'in-doubt-commit'),
  'warehouse-down': rule('critical', 'warehouse-down'),
  'temporal-down': rule('critical', 'temporal-down'),
  'worker-down': rule('critical', 'cold-reboot'),
  'night-missing': rule('error', 'night-missing'),
  'night-cancelled': rule('warn', 'replay-a-day'),
  'night-failed': rule('error', 'replay-a-day'),
  'zombie-run': rule('warn', 'zombie-run'),
  'schedule-paused': rule('warn', 'night-missing'),
  'schedule-remade': rule('warn', 'night-missing'),
  'control-restarted': rule('warn', 'cold-reboot'),
  'ledger-broken': rule('critical', 'restore-from-backup'),
  'guard-tripped': rule('critical', 'restore-from-backup'),
  'guard-missing': rule('error', 'restore-from-backup'),
  'sms-down': rule('error', 'sms-down'),
  'escalation-exhausted': rule('critical', 'sms-down'),
  'alert-storm': rule('critical', 'cold-reboot'),
  'test-page': rule('error', 'sms-down'),
} as const satisfies Readonly<Record<string, AlertRuleFacts>>;

export type AlertRule = keyof typeof ALERT_RULES;

/** Rules whose alerts are about how a night ended: a load of that day resolves them. */
export const RULES_OF_A_NIGHT: readonly AlertRule[] = [
  'reject-limit-exceeded',
  'empty-source',
  'audit-failed',
  'source-down',
  'source-contract-broken',
  'deadlock-storm',
  'disk-full',
  'in-doubt-commit',
  'warehouse-down',
  'night-missing',
  'night-cancelled',
  'night-failed',
  'zombie-run',
];
