import twilio from 'twilio';
import { twilioError } from './twilio-error.ts';

/** Who we are at Twilio: the account with its token, or with an API key of its own. */
export interface TwilioAccount {
  readonly accountSid: string;
  readonly authToken: string | undefined;
  readonly apiKey: { readonly sid: string; readonly secret: string } | undefined;
  /** Where its API is, when it is elsewhere. */
  readonly apiUrl: string | undefined;
}

/** A list of one message, and a message, take some kilobytes. */
const LONGEST_ANSWER_BYTES = 256 * 1024;

/** The SDK's way to change how it calls: a client of our own, bounded, ended by a signal, sent elsewhere if need be. */
class BoundedRequests extends twilio.RequestClient {
  constructor(apiUrl: string | undefined, signal: AbortSignal) {
    super({ keepAlive: false });
    this.axios.interceptors.request.use((config) => {
      const bounds = { signal, maxContentLength: LONGEST_ANSWER_BYTES };
      return Object.assign(config, bounds, { url: elsewhere(config.url ?? '', apiUrl) });
    });
  }

  /** `Retry-After` of the last answer: the SDK's errors do not have it. */
  get retryAfter(): string | undefined {
    const headers = this.lastResponse?.headers as Record<string, unknown> | undefined;
    const value = headers?.['retry-after'];
    return typeof value === 'string' ? value : undefined;
  }
}

function elsewhere(url: string, apiUrl: string | undefined): string {
  if (apiUrl === undefined) return url;
  const { pathname, search } = new URL(url);
  return `${apiUrl.replace(/\/$/, '')}${pathname}${search}`;
}

/**
 * One call with Twilio's SDK.
 * @throws ChannelUnavailable, AddressRejected, ConfigurationError, which hold no number and no secret
 */
export async function callTwilio<Result>(
  account: TwilioAccount,
  signal: AbortSignal,
  call: (client: twilio.Twilio) => Promise<Result>,
): Promise<Result> {
  const { accountSid, authToken, apiKey, apiUrl } = account;
  const httpClient = new BoundedRequests(apiUrl, signal);
  const client = twilio(apiKey?.sid ?? accountSid, apiKey?.secret ?? authToken, {
    accountSid,
    httpClient,
    logLevel: 'silent', // at `debug` the SDK writes numbers to stdout
  });
  try {
    return await call(client);
  } catch (error) {
    throw twilioError(error, httpClient.retryAfter, signal.aborted);
  }
}
