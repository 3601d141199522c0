import { randomBytes } from 'node:crypto';
import { startFreightApi } from '../local/freight-api/server.ts';
import { writeSampleInbox, type SampleInboxOptions } from '../local/sample-inbox.ts';

/** The sources of the datasets that come with Night Train, on this machine. */
export interface SampleSources {
  /** Of the simulated freight API; faults are switched on at `<url>/control`. */
  readonly url: string;
  /** What the datasets read from the environment. */
  readonly variables: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Fills the inbox with the real February and starts the freight API, with a token that lives as long as it does. */
export async function startSampleSources(
  inbox: string,
  options: SampleInboxOptions = {},
): Promise<SampleSources> {
  await writeSampleInbox(inbox, options);
  const token = randomBytes(16).toString('hex');
  const api = await startFreightApi({ token });
  const variables = { FREIGHT_API_URL: api.url, FREIGHT_API_TOKEN: token };
  return { url: api.url, variables, close: () => api.close() };
}
