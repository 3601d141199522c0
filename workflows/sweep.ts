import type { SweepRequest } from './messages.ts';
import { auditing, folding, sweeping } from './policies.ts';

/** Sees to what no other workflow is left to see to (§3, R12, R13, R19). */
export async function sweep({ of }: SweepRequest): Promise<void> {
  if (of === 'nights') await sweeping.sweepNights();
  else if (of === 'audits') await auditing.sweepAudits();
  else if (of === 'months') await folding.foldMonths();
  else await sweeping.sweepStorage();
}
