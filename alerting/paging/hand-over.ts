import type { Logger } from 'pino';
import { AddressRejected, NightTrainError } from '../../rules/errors.ts';
import { resolvedAddress, variableProblem, type ChannelKind } from '../../rules/on-call.ts';
import type { Channels, Page } from '../channels/channel.ts';
import type { HandedOver } from './deliveries.ts';

/** What came of a page, and whether its channel is to blame. */
export interface Outcome extends HandedOver {
  readonly isChannelDown: boolean;
}

/** What handing a page over needs. */
export interface Desk {
  readonly channels: Channels;
  readonly env: (name: string) => string | undefined;
  readonly log: Logger;
}

/**
 * Hands a page to the channel of one address. Whatever goes wrong there is an outcome: it must not keep others from
 * being paged. @throws only where `stop` was aborted
 * @param signal ends the call, and counts as a provider that does not answer
 * @param stop ends the step: nothing is known of the page, and the next try sends it again
 */
export async function handOver(
  { channels, env, log }: Desk,
  page: Page,
  { channel, address }: { readonly channel: ChannelKind; readonly address: string },
  { signal, stop }: { readonly signal: AbortSignal; readonly stop: AbortSignal },
): Promise<Outcome> {
  const way = channels[channel];
  if (!way) return failed(`${channel} is not set up here`);
  const lacks = variableProblem({ channel, address }, env);
  const resolved = resolvedAddress(address, env);
  if (lacks || resolved === undefined)
    return failed(`${lacks?.variable} ${lacks?.problem} where the worker (or the watchdog) runs`);
  const either = AbortSignal.any([signal, stop]);
  try {
    const { state, providerId } = await orAbort(way.send(page, resolved, either), either);
    return { state, providerId, isChannelDown: false };
  } catch (error) {
    stop.throwIfAborted();
    if (error instanceof NightTrainError)
      return failed(
        [error.message, error.detail].filter(Boolean).join(': '),
        !(error instanceof AddressRejected),
      );
    if (signal.aborted) return failed(`${channel} did not take the page in time`, true);
    log.error({ err: error, channel }, 'a channel failed by an error that nobody foresaw');
    return failed(`${channel} failed by an error that nobody foresaw`, true);
  }
}

function failed(error: string, isChannelDown = false): Outcome {
  return { state: 'failed', providerId: null, error, isChannelDown };
}

/** A provider's client that does not listen to its signal is not waited for (R14). */
export async function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  return Promise.race([work, aborted]);
}
