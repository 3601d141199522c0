import http from 'node:http';
import https from 'node:https';
import type { Duplex, Readable } from 'node:stream';
import axios, { type AxiosResponse } from 'axios';
import { LimitExceeded, SourceContractBroken, SourceForbidden, SourceUnavailable } from '../rules/errors.ts';
import { isRetryableStatus, retryAfterMs } from '../rules/retryable.ts';

/** How long an API may take, milliseconds. */
export interface Patience {
  /** Until its host has accepted the connection. */
  readonly connectMs: number;
  /** Until its answer begins, and between two pieces of it. */
  readonly idleMs: number;
  /** For one page, from the request to the last byte. */
  readonly wholeMs: number;
}

export const DEFAULT_PATIENCE: Patience = { connectMs: 10_000, idleMs: 60_000, wholeMs: 300_000 };

/** One page as it came. */
export interface Body {
  readonly bytes: Buffer;
  readonly contentType: string;
  /** Whether the protocol itself said where the body ends, and it was reached. */
  readonly isComplete: boolean;
}

/** What all requests of a night share. */
export interface Client {
  readonly token: string | undefined;
  readonly tokenFrom: string | undefined;
  readonly patience: Patience;
  readonly pageBytes: number;
  readonly signal: AbortSignal;
  readonly agents: { readonly http: http.Agent; readonly https: https.Agent };
}

/** Connections that are given up when the host does not accept them in time. */
export function openAgents({ connectMs }: Patience): Client['agents'] {
  return {
    http: withConnectTimeout(new http.Agent({ keepAlive: true }), connectMs),
    https: withConnectTimeout(new https.Agent({ keepAlive: true }), connectMs),
  };
}

function withConnectTimeout<Agent extends http.Agent>(agent: Agent, connectMs: number): Agent {
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const socket = connect(options, callback) as Duplex;
    const late = setTimeout(() => socket.destroy(codedError('CONNECT_TIMEOUT')), connectMs);
    for (const event of ['connect', 'close']) socket.once(event, () => clearTimeout(late));
    return socket;
  };
  return agent;
}

function codedError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

const REDIRECTS = 5;

/**
 * Fetches one page, at most `pageBytes` of it.
 * @throws SourceUnavailable where a later try may help; SourceContractBroken, SourceForbidden, LimitExceeded
 */
export async function fetchPage(url: URL, client: Client): Promise<Body> {
  const stop = new AbortController();
  const giveUp = () => stop.abort(client.signal.reason);
  client.signal.addEventListener('abort', giveUp, { once: true });
  const { idleMs, wholeMs } = client.patience;
  const whole = setTimeout(() => stop.abort(codedError('WHOLE_TIMEOUT')), wholeMs);
  const idle = setTimeout(() => stop.abort(codedError('IDLE_TIMEOUT')), idleMs);
  try {
    client.signal.throwIfAborted();
    const response = await follow(url, client, stop.signal);
    return await readBody(response, url, client, stop.signal, () => idle.refresh());
  } catch (cause) {
    client.signal.throwIfAborted();
    throw transportError(stop.signal.aborted ? stop.signal.reason : cause, url, client);
  } finally {
    clearTimeout(whole);
    clearTimeout(idle);
    client.signal.removeEventListener('abort', giveUp);
  }
}

/** Redirects are followed on the same origin alone: the token is for nobody else. */
async function follow(first: URL, client: Client, signal: AbortSignal): Promise<AxiosResponse<Readable>> {
  let url = first;
  for (let redirects = 0; redirects <= REDIRECTS; redirects++) {
    const response = await axios.get<Readable>(url.href, {
      responseType: 'stream',
      decompress: false,
      maxRedirects: 0,
      proxy: false,
      signal,
      validateStatus: () => true,
      httpAgent: client.agents.http,
      httpsAgent: client.agents.https,
      headers: {
        Accept: 'application/json',
        'Accept-Encoding': 'identity',
        ...(client.token === undefined ? {} : { Authorization: `Bearer ${client.token}` }),
      },
    });
    const location = headerOf(response, 'location');
    if (response.status < 300 || response.status > 399 || location === undefined) return response;
    response.data.destroy();
    const next = URL.canParse(location, url.href) ? new URL(location, url.href) : undefined;
    if (next?.origin !== first.origin) {
      throw new SourceContractBroken('The API sends us to another host', {
        detail: `${place(first)} → ${next ? place(next) : 'no valid address'}`,
        hint: 'Ask its owner; if it has moved, set the base URL to its new place.',
      });
    }
    url = next;
  }
  throw new SourceContractBroken(`The API redirects more than ${REDIRECTS} times`, { detail: place(first) });
}

async function readBody(
  response: AxiosResponse<Readable>,
  url: URL,
  client: Client,
  signal: AbortSignal,
  onBytes: () => void,
): Promise<Body> {
  const { status, data } = response;
  const chunks: Buffer[] = [];
  let bytes = 0;
  const giveUp = () => data.destroy(signal.reason as Error);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    onBytes();
    for await (const chunk of data as AsyncIterable<Buffer>) {
      onBytes();
      bytes += chunk.length;
      chunks.push(chunk);
      if (status !== 200 && bytes > 2_000) break;
      if (bytes > client.pageBytes) {
        throw new LimitExceeded(`A page of the API is longer than ${client.pageBytes} bytes`, {
          detail: place(url),
          hint: "If that is meant, raise the dataset's bounds.pageBytes, or ask for fewer records a page.",
        });
      }
    }
  } finally {
    signal.removeEventListener('abort', giveUp);
    data.destroy();
  }
  const body = Buffer.concat(chunks);
  if (status !== 200) throw statusError(response, url, client, excerpt(body, client));
  const length = headerOf(response, 'content-length');
  const isChunked = headerOf(response, 'transfer-encoding') !== undefined;
  if (headerOf(response, 'content-encoding') !== undefined) {
    throw new SourceContractBroken('The API compresses its pages although it was asked not to', {
      detail: `${place(url)}: ${headerOf(response, 'content-encoding')}`,
    });
  }
  return {
    bytes: body,
    contentType: headerOf(response, 'content-type') ?? '',
    isComplete: isChunked || length !== undefined,
  };
}

function statusError(response: AxiosResponse, url: URL, { tokenFrom }: Client, received: string) {
  const { status } = response;
  const detail = `${place(url)} answered ${status}: ${received}`;
  if (isRetryableStatus(status)) {
    const wait = retryAfterMs(headerOf(response, 'retry-after'), Date.now());
    return new SourceUnavailable(`The API answers ${status}`, {
      detail,
      hint: 'It is tried again by itself; if it goes on, ask its owner.',
      ...(wait === undefined ? {} : { retryAfterMs: wait }),
    });
  }
  if (status === 401 || status === 403) {
    return new SourceForbidden(`The API does not let us in (${status})`, {
      detail,
      hint: tokenFrom
        ? `Renew the token in ${tokenFrom}.`
        : 'The dataset names no tokenFrom; the API wants a token.',
    });
  }
  return new SourceContractBroken(`The API answers ${status}`, {
    detail,
    hint: "Check the base URL and the source's path; if they are right, ask the API's owner.",
  });
}

/** Our own errors as they are; of axios' errors the code alone, for they carry the request with its token (R17). */
function transportError(cause: unknown, url: URL, { patience }: Client): unknown {
  const code = (cause as { code?: unknown } | undefined)?.code;
  if (typeof code !== 'string') return cause;
  const seconds = (ms: number) => `${ms / 1000} s`;
  const happened: Record<string, string> = {
    CONNECT_TIMEOUT: `did not accept a connection within ${seconds(patience.connectMs)}`,
    IDLE_TIMEOUT: `sent nothing for ${seconds(patience.idleMs)}`,
    WHOLE_TIMEOUT: `did not finish a page within ${seconds(patience.wholeMs)}`,
    ECONNREFUSED: 'refuses the connection',
    ENOTFOUND: 'has a host name that is not known',
    ECONNRESET: 'broke off in the middle of its answer',
    ERR_BAD_RESPONSE: 'broke off in the middle of its answer',
  };
  return new SourceUnavailable(`The API ${happened[code] ?? 'cannot be reached'}`, {
    detail: `${place(url)}: ${code}`,
    hint: 'It is tried again by itself; if it goes on, check the base URL, the network and the API.',
  });
}

/** Where a URL leads, without what may be secret in it. */
export function place(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** The first 200 characters of what was received, on one line, without the token. */
export function excerpt(body: Buffer, { token }: Pick<Client, 'token'>): string {
  const text = body.toString('utf8', 0, 2_000);
  const safe = token ? text.replaceAll(token, '***') : text;
  return JSON.stringify(safe.slice(0, 200));
}

function headerOf(response: AxiosResponse, name: string): string | undefined {
  const value: unknown = (response.headers as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : undefined;
}
