import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { ConfigurationError, describe } from '../rules/errors.ts';

/** What a process says of itself to whoever asks. */
export interface HealthParts {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** The variable that sets the port. */
  readonly portVariable: string;
  /** By name; one that throws, or does not answer within its own bound, makes the process not ready. */
  readonly isReady: Readonly<Record<string, () => Promise<unknown>>>;
  /** In Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  readonly log: Logger;
}

/** The open port. */
export interface Health {
  /** Of the server, without a path. */
  readonly url: string;
  close(): Promise<void>;
}

const MOST_CONNECTIONS = 50;
const LONGEST_REQUEST_MS = 5_000;

/**
 * Serves `/healthz` (this process lives and its event loop turns: whoever is frozen does not answer), `/readyz` (503
 * and the name of what does not answer) and `/metrics`. Nothing here says more than names: whoever reaches the port may
 * read it. @throws ConfigurationError where the port is taken
 */
export async function openHealth(parts: HealthParts): Promise<Health> {
  const { host, port } = parts;
  const server = createServer({ requestTimeout: LONGEST_REQUEST_MS }, (request, response) => {
    respond(parts, request, response).catch((error: unknown) => {
      parts.log.error({ err: error }, 'a question about health could not be answered');
      response.writeHead(500).end();
    });
  });
  server.maxConnections = MOST_CONNECTIONS;
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (cause) {
    throw new ConfigurationError(`Health and metrics cannot be served on ${host}:${port}`, {
      detail: describe(cause),
      hint: `Give ${parts.portVariable} another port, or take the variable away: then any free one is used.`,
      cause,
    });
  }
  const url = urlOf(host, server);
  parts.log.info({ served: url }, 'health and metrics are served');
  return { url, close: () => close(server) };
}

async function respond(
  parts: HealthParts,
  { method = '', url = '' }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, type, body } = await answer(parts, method, url.split('?')[0] ?? '');
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

async function answer(parts: HealthParts, method: string, path: string): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') return json(405, { allowed: 'GET' });
  switch (path) {
    case '/healthz':
      return json(200, { alive: true });
    case '/readyz':
      return readiness(parts);
    case '/metrics':
      return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: await parts.metrics() };
    default:
      return json(404, { served: ['/healthz', '/readyz', '/metrics'] });
  }
}

async function readiness({ isReady, log }: HealthParts): Promise<Answer> {
  const checks = await Promise.all(
    Object.entries(isReady).map(async ([name, ask]) => {
      try {
        await ask();
        return [name, 'ok'] as const;
      } catch (error) {
        log.warn({ check: name, error: describe(error) }, 'not ready');
        return [name, 'failed'] as const;
      }
    }),
  );
  const ready = checks.every(([, found]) => found === 'ok');
  return json(ready ? 200 : 503, { ready, checks: Object.fromEntries(checks) });
}

function json(status: number, body: object): Answer {
  return { status, type: 'application/json; charset=utf-8', body: `${JSON.stringify(body)}\n` };
}

function urlOf(host: string, server: Server): string {
  const { port } = server.address() as AddressInfo;
  const shown = ['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
