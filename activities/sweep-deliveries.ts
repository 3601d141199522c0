import { pagesOnTheirWay } from '../alerting/paging/deliveries.ts';
import { askProvider } from './check-deliveries.ts';
import type { Deps } from './deps.ts';

/** Pages that one sweep asks about; the next one goes on. */
const MOST_AT_ONCE = 20;
const LONGEST_ASKING_MS = 10_000;

/**
 * Asks what became of pages that no escalation waits for any more: somebody has answered before their provider had. So
 * that an operator learns who is reached, and who is not, also where no callback reaches us.
 */
export async function settleDeliveries(deps: Deps): Promise<number> {
  const pages = await pagesOnTheirWay(deps.warehouse, MOST_AT_ONCE);
  const signal = AbortSignal.timeout(LONGEST_ASKING_MS);
  await Promise.all(pages.map((page) => askProvider(deps, page, signal)));
  return pages.length;
}
