import { dayLabel, type DatasetDay } from './dataset-day.ts';
import { EmptySource, Refused } from './errors.ts';
import type { Plan } from './plan.ts';
import { exceedsRejectLimit, isEmptySource, type Judged } from './reject-limit.ts';

/**
 * Refuses a night as soon as it is certain (R2, R3). The ledger's trigger judges again, by the final counts.
 * @param unread so many records at most were left unread, because nothing in them could save the night
 * @throws Refused, EmptySource
 */
export function refuseIfBad(day: DatasetDay, plan: Plan, counts: Judged, unread = 0): void {
  const { read, discarded } = counts;
  if (isEmptySource(counts) && !plan.allowEmpty) {
    throw new EmptySource(`${dayLabel(day)} is refused: its source is empty`, {
      detail: `${read} rows read, ${discarded} of them not for this day`,
      hint: `Ask the source's owner, then: npx nighttrain run ${day.dataset} --date ${day.businessDate}`,
    });
  }
  // What was not read to its end is loaded under no circumstances.
  if (unread > 0 || exceedsRejectLimit(counts, plan.rejectLimitPercent))
    throw tooManyRejected(day, plan, counts, unread);
}

function tooManyRejected(
  day: DatasetDay,
  { rejectLimitPercent }: Plan,
  { read, discarded, rejected }: Judged,
  unread: number,
): Refused {
  const judged = read - discarded;
  const share = shareBeyond(rejectLimitPercent, (rejected * 100) / judged);
  const rows = unread > 0 ? `the first ${judged} rows` : `${judged} rows`;
  const rest = `The rest, ${unread} records at most, was not read: the night is too bad even if all of them are sound.`;
  const limit = `The limit is ${rejectLimitPercent} %; nothing was written.`;
  return new Refused(`${dayLabel(day)} is refused: ${rejected} of ${rows} are rejected (${share} %)`, {
    detail: unread > 0 ? `${rest} ${limit}` : limit,
    hint: `See which rows and why: npx nighttrain quarantine list ${day.dataset} ${day.businessDate}`,
  });
}

/** To a decimal, or to as many as it takes to be seen beyond the limit: 30001 of 100000 rows are 30.001 %, not 30.0 %. */
function shareBeyond(limitPercent: number, percent: number): string {
  let decimals = 1;
  while (percent > limitPercent && Number(percent.toFixed(decimals)) <= limitPercent) decimals++;
  return percent.toFixed(decimals);
}
