import type { Counts } from './counts.ts';
import { dayLabel, type DatasetDay } from './dataset-day.ts';
import { EmptySource, Refused } from './errors.ts';
import type { Plan } from './plan.ts';
import { exceedsRejectLimit, isEmptySource } from './reject-limit.ts';

type Judged = Pick<Counts, 'read' | 'discarded' | 'rejected'>;

/**
 * Refuses a night as soon as it is certain (R2, R3). The ledger's trigger judges again, by the final counts.
 * @throws Refused, EmptySource
 */
export function refuseIfBad(day: DatasetDay, plan: Plan, counts: Judged): void {
  const { read, discarded, rejected } = counts;
  if (isEmptySource(counts) && !plan.allowEmpty) {
    throw new EmptySource(`${dayLabel(day)} is refused: its source is empty`, {
      detail: `${read} rows read, ${discarded} of them not for this day`,
      hint: `Ask the source's owner, then: npx nighttrain run ${day.dataset} --date ${day.businessDate}`,
    });
  }
  if (exceedsRejectLimit(counts, plan.rejectLimitPercent)) {
    const share = ((rejected * 100) / (read - discarded)).toFixed(1);
    throw new Refused(
      `${dayLabel(day)} is refused: ${rejected} of ${read - discarded} rows are rejected (${share} %)`,
      {
        detail: `The limit is ${plan.rejectLimitPercent} %; nothing was written.`,
        hint: `See which rows and why: npx nighttrain quarantine list ${day.dataset} ${day.businessDate}`,
      },
    );
  }
}
