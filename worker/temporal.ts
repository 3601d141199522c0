import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.ts';
import { ConfigurationError } from '../rules/errors.ts';
import { lateCallsEnd } from './late-calls.ts';

/** Where Temporal is. The rest of Temporal's standard variables (TLS, API key) come from its own configuration. */
export interface TemporalTarget {
  readonly address: string;
  readonly namespace: string;
}

/** A history may have 50 MB, and one page of it all of them; the library itself would take no more than 4 MB. */
const channelArgs = { 'grpc.max_receive_message_length': 64 * 1024 * 1024 };

/** A client; closing `client.connection` is the caller's. @throws ConfigurationError where nobody answers */
export async function connectClient({ address, namespace }: TemporalTarget): Promise<Client> {
  const { connectionOptions } = loadClientConnectConfig();
  try {
    const connection = await Connection.connect({
      ...connectionOptions,
      address,
      channelArgs,
      interceptors: lateCallsEnd(),
      connectTimeout: '10 s',
    });
    return new Client({ connection, namespace });
  } catch (cause) {
    throw new ConfigurationError(`Temporal does not answer at ${address}`, {
      detail: cause instanceof Error ? cause.message : String(cause),
      hint: 'Is it running? TEMPORAL_ADDRESS names it; without that variable `npx nighttrain up` brings its own.',
      cause,
    });
  }
}

/** Registers our search attributes where the namespace lacks them. */
export async function ensureSearchAttributes(client: Client, namespace: string): Promise<void> {
  const { operatorService } = client.connection;
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const missing = SEARCH_ATTRIBUTES.filter(({ name }) => !(name in customAttributes));
  if (missing.length === 0) return;
  const searchAttributes = Object.fromEntries(missing.map(({ name }) => [name, KEYWORD]));
  await operatorService.addSearchAttributes({ namespace, searchAttributes });
}

/** temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD */
const KEYWORD = 2;
