import { lookAtTurn, recordNews, type AlertTurn, type Delivery } from '../alerting/paging/deliveries.ts';
import { orAbort } from '../alerting/paging/hand-over.ts';
import { describe } from '../rules/errors.ts';
import { reachOf, type Reach } from '../rules/escalation.ts';
import { archiveInTime } from './archive-in-time.ts';
import type { Deps } from './deps.ts';
import { runStep } from './step.ts';

/** How a level stands while its answer is waited for. */
export interface Standing {
  /** Nobody is to be paged any more: acknowledged, resolved, or firing anew. */
  readonly isOver: boolean;
  readonly reach: Reach;
}

const LONGEST_ASKING_MS = 10_000;

/**
 * Whether a level's alert still fires, and what became of its pages: callbacks have told the archive, and where they
 * cannot reach us the providers are asked. Null where the archive does not answer: the level's time goes on all the same.
 */
export const createCheckDeliveries = (deps: Deps) =>
  async function checkDeliveries(turn: AlertTurn): Promise<Standing | null> {
    return runStep(deps.log, async ({ signal: stop, log }) => {
      const { warehouse } = deps;
      const look = () => archiveInTime('A look at what was paged', () => lookAtTurn(warehouse, turn));
      try {
        const before = await look();
        if (before.isOver) return { isOver: true, reach: 'nobody' };
        const signal = AbortSignal.any([stop, AbortSignal.timeout(LONGEST_ASKING_MS)]);
        await Promise.all(
          before.deliveries.map((delivery) => askProvider({ ...deps, log }, delivery, signal)),
        );
        const { isOver, deliveries } = await look();
        // Pages that went out without the archive have no row, and none of them can be asked for.
        return {
          isOver,
          reach: deliveries.length === 0 ? 'perhaps' : reachOf(deliveries.map(({ state }) => state)),
        };
      } catch (error) {
        stop.throwIfAborted();
        log.error({ alertId: turn.alertId, error: describe(error) }, 'nothing is known of what was paged');
        return null;
      }
    });
  };

/** Takes over what the provider says of a page that is on its way. */
export async function askProvider(
  { channels, warehouse, log }: Deps,
  { channel, providerId, deliveryId, state }: Delivery,
  signal: AbortSignal,
): Promise<void> {
  const way = channels[channel];
  if (state !== 'sent' || providerId === null || deliveryId === null || !way?.stateOf) return;
  try {
    const news = await orAbort(way.stateOf(providerId, signal), signal);
    if (news)
      await archiveInTime('News of a page could not be recorded', () =>
        recordNews(warehouse, { deliveryId }, news),
      );
  } catch (error) {
    log.warn({ channel, providerId, error: describe(error) }, 'what became of a page is not known');
  }
}
