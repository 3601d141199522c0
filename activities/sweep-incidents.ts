import { orAbort } from '../alerting/paging/hand-over.ts';
import { recordTold, untoldAddresses, untoldIncidents, type Untold } from '../alerting/paging/incidents.ts';
import { ChannelUnavailable, ConfigurationError, describe } from '../rules/errors.ts';
import { resolvedAddress } from '../rules/on-call.ts';
import type { Deps } from './deps.ts';

/** Incidents that one sweep tells of; the next one goes on. */
const MOST_AT_ONCE = 50;
const LONGEST_TELLING_MS = 10_000;

/**
 * Tells providers that keep incidents of their own who is on it, and what is over: otherwise they call people on, and
 * take what fires next for more of the same. By the sweep, for whoever acknowledged or resolved may have had no worker.
 */
export async function settleIncidents(deps: Deps): Promise<number> {
  const { channels, env, warehouse } = deps;
  if (!channels.webhook?.settle) return 0;
  const ours = (await untoldAddresses(warehouse)).filter(
    (address) => resolvedAddress(address, env) !== undefined,
  );
  const untold = await untoldIncidents(warehouse, ours, MOST_AT_ONCE);
  const signal = AbortSignal.timeout(LONGEST_TELLING_MS);
  await Promise.all(untold.map((one) => settle(deps, one, signal)));
  return untold.length;
}

async function settle(
  { channels, env, warehouse, log }: Deps,
  one: Untold,
  signal: AbortSignal,
): Promise<void> {
  const { alertId, firing, address, settlement } = one;
  const way = channels.webhook;
  const resolved = resolvedAddress(address, env);
  if (!way?.settle || resolved === undefined) return;
  const line = log.child({ alertId, firing, settlement });
  try {
    await orAbort(way.settle({ alertId, firing }, settlement, resolved, signal), signal);
    line.info('the provider of a page knows how its alert stands');
  } catch (error) {
    const isLater =
      signal.aborted || error instanceof ChannelUnavailable || error instanceof ConfigurationError;
    line.warn(
      { error: describe(error), isLater },
      'the provider of a page does not take how its alert stands',
    );
    if (isLater) return;
  }
  await recordTold(warehouse, one);
}
