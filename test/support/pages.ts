import type { Page } from '../../alerting/channels/channel.ts';
import { dayOf } from './intake.ts';

/** A page as a level is told: a night of flights that was refused. */
export function pageOf(more: Partial<Page> = {}): Page {
  return {
    alertId: '6f1c1f0a-5a35-4a0e-9b57-0d8f3f3a7c11',
    firing: 1,
    code: 4821,
    rule: 'reject-limit-exceeded',
    severity: 'error',
    dataset: 'flights',
    businessDate: dayOf('2013-02-08'),
    sentence: 'flights of 2013-02-08 is refused: 475 of 930 rows are rejected (51.1 %)',
    facts: {},
    runbook: 'reject-limit-exceeded',
    ackLink: undefined,
    validForMs: 300_000,
    ...more,
  };
}
