import {
  AddressRejected,
  ChannelUnavailable,
  ConfigurationError,
  type NightTrainError,
} from '../../rules/errors.ts';
import { isRetryableStatus, retryAfterMs } from '../../rules/retryable.ts';
import { happened } from './unanswered.ts';

/**
 * Of Twilio's error codes those that are about the person's number: invalid, a short code, our own, a country that is
 * not enabled or not verified, one who texted STOP, no route to it, no mobile, a landline.
 */
const OF_THE_NUMBER = new Set([21211, 21214, 21217, 21265, 21266, 21408, 21608, 21610, 21612, 21614, 21635]);

/** About our own side: the sender, the messaging service, the callback URL, the account. Nobody is reached until mended. */
const OF_THE_ACCOUNT = new Set([
  20003, 20005, 20008, 20404, 21212, 21603, 21606, 21609, 21618, 21659, 21660, 21661, 21701, 21703, 21704,
  21705,
]);

/** Its queues are full, said with a status of 400. */
const PASSING = new Set([20429, 21611, 30001]);

/**
 * What an error of Twilio's SDK means. Its own text is dropped: it repeats numbers, and axios' error carries the
 * credentials (R17).
 * @param retryAfter the answer's header, which the SDK's error does not have
 */
export function twilioError(
  error: unknown,
  retryAfter: string | undefined,
  timedOut: boolean,
): NightTrainError {
  const { status, code } = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly status?: unknown;
    readonly code?: unknown;
  };
  if (typeof status !== 'number') {
    return new ChannelUnavailable(`Twilio ${happened(code, timedOut)}`, {
      hint: 'It is tried again by itself; if it goes on, see https://status.twilio.com and the network.',
    });
  }
  const number = typeof code === 'number' ? code : undefined;
  const detail = `HTTP ${status}${number === undefined ? '' : `, Twilio's error ${number}: https://www.twilio.com/docs/api/errors/${number}`}`;
  if (isRetryableStatus(status) || PASSING.has(number ?? 0)) {
    const wait = retryAfterMs(retryAfter, Date.now());
    return new ChannelUnavailable('Twilio does not take the page now', {
      detail,
      ...(wait === undefined ? {} : { retryAfterMs: wait }),
    });
  }
  if (OF_THE_ACCOUNT.has(number ?? 0) || (isOfAccess(status) && !OF_THE_NUMBER.has(number ?? 0))) {
    return new ConfigurationError('Twilio does not let us send', {
      detail,
      hint: "Correct the account's TWILIO_ variables, then: npx nighttrain doctor",
    });
  }
  // Codes come and go (Twilio says so itself): whatever else it refuses, it will refuse again.
  return new AddressRejected('Twilio refuses to send to this number', {
    detail,
    hint: 'Correct the number in on-call.yaml, then: npx nighttrain alert test',
  });
}

/** Also 3xx: whoever redirects is not Twilio's API. */
const isOfAccess = (status: number): boolean => status < 400 || (status > 400 && status < 406);
