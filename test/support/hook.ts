import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A request as the hook took it. */
export interface TakenCall {
  readonly path: string;
  readonly contentType: string;
  readonly body: unknown;
}

/** What befalls the next call, once. */
export type HookFault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Taken, and never answered. */
  | 'silence'
  /** Answers, and never stops. */
  | 'endless';

/** Somebody's webhook, on a real socket. */
export class HookStub implements AsyncDisposable {
  /** Calls that were answered with 2xx, or would have been. */
  readonly taken: TakenCall[] = [];
  calls = 0;
  readonly #faults: HookFault[] = [];
  readonly #refused = new Map<string, number>();
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));

  static async start(): Promise<HookStub> {
    const stub = new HookStub();
    await new Promise<void>((resolve) => stub.#server.listen(0, '127.0.0.1', resolve));
    return stub;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  strike(...faults: readonly HookFault[]): void {
    this.#faults.push(...faults);
  }

  /** A path that answers with a status, until further notice. */
  refuse(path: string, status: number): void {
    this.#refused.set(path, status);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.calls += 1;
    const { url: path = '' } = request;
    const body: unknown = JSON.parse((await text(request)) || 'null');
    const fault = this.#faults.shift();
    const status = this.#refused.get(path) ?? 200;
    if (fault !== undefined && typeof fault === 'object') {
      response.writeHead(fault.status, fault.headers).end('as the test would have it');
      return;
    }
    if (status < 300) this.taken.push({ path, contentType: request.headers['content-type'] ?? '', body });
    if (fault === 'silence') return;
    if (fault === 'endless') {
      response.on('drain', () => void response.write('more'.repeat(4_096)));
      response.on('error', () => undefined);
      while (response.write('more'.repeat(4_096)));
      return;
    }
    response.writeHead(status).end('ok');
  }
}
