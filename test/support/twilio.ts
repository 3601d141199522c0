import { createHmac, randomBytes } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { TwilioAccount } from '../../alerting/channels/twilio-client.ts';

/** A message as the stub keeps it: its parameters, and what became of it. */
export interface StubMessage {
  readonly sid: string;
  readonly params: Readonly<Record<string, string>>;
  status: string;
  errorCode: number | undefined;
}

/** What befalls the next call, once. */
export type TwilioFault =
  | {
      readonly fault: 'status';
      readonly status: number;
      readonly retryAfter?: string;
      readonly html?: boolean;
    }
  /** The message is taken; the answer never comes, or the line is cut before it. */
  | { readonly fault: 'silence' | 'reset'; readonly taken: boolean };

/** What Twilio calls us with, and how it was answered. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

const ALLOWED = new Set(['To', 'From', 'MessagingServiceSid', 'Body', 'ValidityPeriod', 'StatusCallback']);
const E164 = /^\+[1-9]\d{6,14}$/;
const SID = /^[0-9a-f]{32}$/;

/** Twilio's HTTP API as far as the product may use it, and stricter: what is not needed is refused. */
export class TwilioStub implements AsyncDisposable {
  readonly accountSid = `AC${hex(16)}`;
  readonly authToken = hex(16);
  readonly apiKey = { sid: `SK${hex(16)}`, secret: hex(16) };
  readonly from = '+15005550006';
  readonly messagingServiceSid = `MG${hex(16)}`;
  /** Taken messages, in order. */
  readonly messages: StubMessage[] = [];
  /** How often it was called to send. */
  calls = 0;
  /** What it has refused, by code. */
  readonly refused: number[] = [];
  readonly #app: FastifyInstance = fastify({ forceCloseConnections: true });
  readonly #faults: TwilioFault[] = [];
  readonly #numbers = new Map<string, number>();
  #url = '';
  /** Where a public URL is in truth: signatures are over the public one. */
  #reach = (url: string) => url;

  static async start(): Promise<TwilioStub> {
    const stub = new TwilioStub();
    await stub.#listen();
    return stub;
  }

  get url(): string {
    return this.#url;
  }

  get account(): TwilioAccount {
    return { accountSid: this.accountSid, authToken: this.authToken, apiKey: undefined, apiUrl: this.url };
  }

  /** The next calls end like this, one after the other. */
  strike(...faults: readonly TwilioFault[]): void {
    this.#faults.push(...faults);
  }

  /** A number that is refused with a code, until further notice. */
  refuse(number: string, code: number): void {
    this.#numbers.set(number, code);
  }

  /** Everything is taken again. */
  mend(): void {
    this.#faults.length = 0;
    this.#numbers.clear();
  }

  /** Calls to a public URL go to a server of the test. */
  reachBy(publicUrl: string, localUrl: string): void {
    this.#reach = (url) => url.replace(publicUrl, localUrl);
  }

  /** The last message to a number. */
  lastTo(number: string): StubMessage {
    const message = this.messages.findLast(({ params }) => params['To'] === number);
    if (!message) throw new Error(`nothing was sent to ${number}`);
    return message;
  }

  /** What became of a message: told by a signed callback where the message asks for one. */
  async settle(message: StubMessage, status: string, errorCode?: number): Promise<Answer | undefined> {
    message.status = status;
    message.errorCode = errorCode;
    const url = message.params['StatusCallback'];
    return url === undefined ? undefined : this.call(url, this.statusParams(message));
  }

  statusParams({ sid, params, status, errorCode }: StubMessage): Record<string, string> {
    return {
      AccountSid: this.accountSid,
      ApiVersion: '2010-04-01',
      From: params['From'] ?? this.from,
      MessageSid: sid,
      MessageStatus: status,
      SmsSid: sid,
      SmsStatus: status,
      To: params['To'] ?? '',
      ...(errorCode === undefined ? {} : { ErrorCode: String(errorCode) }),
    };
  }

  /** A person answers: what Twilio then sends to the sender's webhook. */
  replyParams(from: string, body: string, sid = `SM${hex(16)}`): Record<string, string> {
    return {
      AccountSid: this.accountSid,
      ApiVersion: '2010-04-01',
      Body: body,
      From: from,
      MessageSid: sid,
      NumMedia: '0',
      NumSegments: '1',
      SmsMessageSid: sid,
      SmsSid: sid,
      SmsStatus: 'received',
      To: this.from,
    };
  }

  signature(url: string, params: Readonly<Record<string, string>>): string {
    const names = Object.keys(params).sort();
    const text = url + names.map((name) => `${name}${params[name]}`).join('');
    return createHmac('sha1', this.authToken).update(text).digest('base64');
  }

  /** Calls us as Twilio does, or as somebody who would like to be taken for it. */
  async call(
    url: string,
    params: Readonly<Record<string, string>>,
    signature: string | undefined = this.signature(url, params),
  ): Promise<Answer> {
    const response = await fetch(this.#reach(url), {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(signature === undefined ? {} : { 'x-twilio-signature': signature }),
      },
      body: new URLSearchParams(params),
    });
    return { status: response.status, body: await response.text() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.close();
  }

  async #listen(): Promise<void> {
    this.#app.removeAllContentTypeParsers();
    const form = { parseAs: 'string', bodyLimit: 64 * 1024 } as const;
    this.#app.addContentTypeParser('application/x-www-form-urlencoded', form, (_request, body, done) =>
      done(null, body),
    );
    const path = '/2010-04-01/Accounts/:account/Messages';
    this.#app.post<{ Body: string }>(`${path}.json`, (request, reply) => this.#create(request, reply));
    this.#app.get(`${path}.json`, (request, reply) =>
      this.#guarded(request, reply, () =>
        reply.send({ messages: this.messages.slice(-1).map((one) => this.#shown(one)), next_page_uri: null }),
      ),
    );
    this.#app.get<{ Params: { sid: string } }>(`${path}/:sid`, (request, reply) =>
      this.#guarded(request, reply, () => {
        const message = this.messages.find(({ sid }) => `${sid}.json` === request.params.sid);
        return message ? reply.send(this.#shown(message)) : this.#refuse(reply, 404, 20404, 'Not found');
      }),
    );
    this.#url = await this.#app.listen({ port: 0, host: '127.0.0.1' });
  }

  async #create(request: FastifyRequest<{ Body: string }>, reply: FastifyReply): Promise<FastifyReply> {
    this.calls += 1;
    const struck = this.#faults.shift();
    if (struck?.fault === 'status') {
      if (struck.retryAfter !== undefined) void reply.header('retry-after', struck.retryAfter);
      if (struck.html) return reply.code(struck.status).type('text/html').send('<h1>Bad gateway</h1>');
      return this.#refuse(reply, struck.status, 20000 + struck.status, 'As the test would have it');
    }
    if (struck && !struck.taken) return this.#cut(struck.fault, reply);
    return this.#guarded(request, reply, () => {
      const params = Object.fromEntries(new URLSearchParams(request.body));
      const [code, what] = this.#fault(params, [...new URLSearchParams(request.body).keys()]) ?? [];
      if (code !== undefined) return this.#refuse(reply, 400, code, `${what}: ${params['To']}`);
      const status = params['MessagingServiceSid'] === undefined ? 'queued' : 'accepted';
      const message: StubMessage = { sid: `SM${hex(16)}`, params, status, errorCode: undefined };
      this.messages.push(message);
      return struck ? this.#cut(struck.fault, reply) : reply.code(201).send(this.#shown(message));
    });
  }

  #cut(fault: 'silence' | 'reset', reply: FastifyReply): FastifyReply {
    if (fault === 'reset') reply.raw.destroy();
    return reply.hijack();
  }

  #guarded(request: FastifyRequest, reply: FastifyReply, serve: () => FastifyReply): FastifyReply {
    const { account } = request.params as { account: string };
    const pairs = [
      [this.accountSid, this.authToken] as const,
      [this.apiKey.sid, this.apiKey.secret] as const,
    ];
    const wanted = pairs.map((pair) => `Basic ${Buffer.from(pair.join(':')).toString('base64')}`);
    if (!wanted.includes(request.headers.authorization ?? ''))
      return this.#refuse(reply, 401, 20003, 'Authenticate');
    return account === this.accountSid ? serve() : this.#refuse(reply, 404, 20404, 'Not found');
  }

  /** What Twilio would not take: its code, and in its words. */
  #fault(params: Record<string, string>, names: readonly string[]): [number, string] | undefined {
    const { To: to, From: from, MessagingServiceSid: service, Body: body, ValidityPeriod: validity } = params;
    const unknown = names.find((name, index) => !ALLOWED.has(name) || names.indexOf(name) !== index);
    if (unknown !== undefined) return [20001, `Unknown or repeated parameter ${unknown}`];
    if (!to) return [21604, "A 'To' phone number is required"];
    if (!E164.test(to)) return [21211, "Invalid 'To' Phone Number"];
    if (!body) return [21602, 'Message body is required'];
    if (body.length > 1600) return [21617, 'The concatenated message body exceeds the 1600 character limit'];
    if (!from === !service) return [21603, "One of 'From' and 'MessagingServiceSid' is required"];
    if (from !== undefined && from !== this.from) return [21659, "'From' is not a Twilio phone number"];
    if (service !== undefined && service !== this.messagingServiceSid) return [21701, 'No such service'];
    if (to === from) return [21266, "'To' and 'From' number cannot be the same"];
    if (validity !== undefined && !(/^\d{1,5}$/.test(validity) && +validity > 0 && +validity <= 36_000))
      return [20001, 'ValidityPeriod must be from 1 to 36000'];
    const callback = params['StatusCallback'];
    if (callback !== undefined && !(URL.canParse(callback) && /^https?:/.test(callback)))
      return [21609, "The 'StatusCallback' URL is not a valid URL"];
    const refused = this.#numbers.get(to);
    return refused === undefined ? undefined : [refused, 'The number is refused'];
  }

  #refuse(reply: FastifyReply, status: number, code: number, message: string): FastifyReply {
    this.refused.push(code);
    const more_info = `https://www.twilio.com/docs/errors/${code}`;
    return reply.code(status).send({ code, message, more_info, status });
  }

  #shown({ sid, params, status, errorCode }: StubMessage): unknown {
    if (!SID.test(sid.slice(2))) throw new Error('the stub names its messages as Twilio does');
    return {
      sid,
      account_sid: this.accountSid,
      api_version: '2010-04-01',
      body: params['Body'],
      direction: 'outbound-api',
      error_code: errorCode ?? null,
      error_message: null,
      from: params['From'] ?? null,
      messaging_service_sid: params['MessagingServiceSid'] ?? null,
      num_media: '0',
      num_segments: '1',
      price: null,
      price_unit: 'USD',
      status,
      to: params['To'],
      uri: `/2010-04-01/Accounts/${this.accountSid}/Messages/${sid}.json`,
    };
  }
}

const hex = (bytes: number): string => randomBytes(bytes).toString('hex');
