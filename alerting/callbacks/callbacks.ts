import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import twilio from 'twilio';
import type { DataSource } from 'typeorm';
import { ConfigurationError, describe } from '../../rules/errors.ts';
import { askPage, PAGE_HEADERS, sayPage } from './ack-page.ts';
import { findLink, useLink } from './links.ts';
import { Refusals } from './refusals.ts';
import { takeReply, type ReplyOutcome } from './replies.ts';
import { takeStatus, type StatusOutcome } from './status-callback.ts';

/** What the door for calls from outside works with. */
export interface CallbackParts {
  readonly warehouse: DataSource;
  /** What the outside calls, without a slash at its end: Twilio's signatures are over this. */
  readonly publicUrl: string;
  readonly host: string;
  readonly port: number;
  /** What Twilio signs with; without it every call of Twilio's is refused. */
  readonly twilioAuthToken: string | undefined;
  readonly env: (name: string) => string | undefined;
  /** Have the escalation of an alert look again. */
  readonly alertChanged: (alertId: string) => Promise<void>;
  readonly deliveryChanged: (alertId: string) => Promise<void>;
  readonly log: Logger;
}

type Form = Readonly<Record<string, string | string[]>>;

const LONGEST_BODY_BYTES = 16 * 1024;
const LONGEST_REQUEST_MS = 10_000;
const MOST_CONNECTIONS = 100;

/**
 * Opens the door for calls from outside: `POST /twilio/status`, `POST /twilio/reply`, and `/ack/<token>`, which shows a
 * button on GET and acknowledges on POST. Whatever is forged, replayed or late is refused and changes nothing.
 * @throws ConfigurationError where the port is taken
 */
export async function openCallbacks(parts: CallbackParts): Promise<{ url: string; close(): Promise<void> }> {
  const { host, port } = parts;
  const app = fastify({
    bodyLimit: LONGEST_BODY_BYTES,
    requestTimeout: LONGEST_REQUEST_MS,
    forceCloseConnections: true,
    trustProxy: 'loopback', // TLS ends before us: behind it everybody would be one caller
  });
  app.server.maxConnections = MOST_CONNECTIONS;
  acceptFormsAlone(app);
  serveTwilio(app, parts, new Refusals());
  serveLinks(app, parts, new Refusals()); // who forges Twilio's calls shuts nobody's link
  app.setNotFoundHandler(async (_request, reply) => reply.code(404).send());
  app.setErrorHandler(async (error: Error & { statusCode?: number }, request, reply) => {
    const { statusCode = 503 } = error;
    if (statusCode >= 500)
      parts.log.error(
        { route: request.routeOptions.url, error: describe(error) },
        'a callback could not be taken',
      );
    return reply.code(statusCode).send();
  });
  try {
    return { url: await app.listen({ host, port }), close: () => app.close() };
  } catch (cause) {
    await app.close();
    throw new ConfigurationError(`Nobody can call us back: ${host}:${port} cannot be listened on`, {
      detail: describe(cause),
      hint: 'Give NIGHTTRAIN_CALLBACK_PORT another port; of several workers on one machine one is enough.',
      cause,
    });
  }
}

function acceptFormsAlone(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body: string, done) => done(null, formOf(body)),
  );
}

/** A field that comes twice is a list of both, as Twilio's own validation has it. */
function formOf(body: string): Form {
  const fields = new URLSearchParams(body);
  return Object.fromEntries(
    [...new Set(fields.keys())].map((name) => {
      const values = fields.getAll(name);
      return [name, values.length === 1 ? (values[0] ?? '') : values];
    }),
  );
}

function serveTwilio(app: FastifyInstance, parts: CallbackParts, refusals: Refusals): void {
  const { warehouse, log } = parts;
  app.post('/twilio/status', async (request, reply) => {
    const form = signedForm(request, parts);
    if (!form) return refuseForged(request, reply, refusals, log);
    const [sid, status, errorCode] = ['MessageSid', 'MessageStatus', 'ErrorCode'].map((name) =>
      text(form, name),
    );
    if (!sid || !status) return reply.code(400).send();
    const safeCode = errorCode && /^\d{1,8}$/.test(errorCode) ? errorCode : undefined;
    const taken = await takeStatus(warehouse, { sid, status, errorCode: safeCode });
    log.info({ callback: 'status', status, outcome: taken.outcome }, 'Twilio told what became of a page');
    if (taken.outcome === 'taken') await tell(parts, () => parts.deliveryChanged(taken.alertId));
    return reply.code(STATUS_CODES[taken.outcome]).send();
  });
  app.post('/twilio/reply', async (request, reply) => {
    const form = signedForm(request, parts);
    if (!form) return refuseForged(request, reply, refusals, log);
    const [sid, from, body] = ['MessageSid', 'From', 'Body'].map((name) => text(form, name));
    if (!sid || !from || body === undefined) return reply.code(400).send();
    const taken = await takeReply(warehouse, { sid, from, body }, parts.env);
    log.info({ callback: 'reply', outcome: taken.outcome }, 'somebody answered a page by SMS');
    for (const alertId of taken.changed) await tell(parts, () => parts.alertChanged(alertId));
    return reply.code(REPLY_CODES[taken.outcome]).type('text/xml').send(twiml(taken.answer));
  });
}

const STATUS_CODES: Readonly<Record<StatusOutcome['outcome'], number>> = {
  taken: 204,
  known: 204,
  unknown: 404,
  late: 409,
};

/** Twilio reads the answer to a person from a 200 alone. */
const REPLY_CODES: Readonly<Record<ReplyOutcome['outcome'], number>> = {
  acknowledged: 200,
  already: 200,
  late: 200,
  'wrong code': 200,
  unclear: 200,
  replayed: 409,
  stranger: 403,
};

function twiml(answer: string | undefined): string {
  const response = new twilio.twiml.MessagingResponse();
  if (answer !== undefined) response.message(answer);
  return response.toString();
}

/** The fields of a call that Twilio has signed; undefined for any other, also where nothing is there to check with. */
function signedForm(
  request: FastifyRequest,
  { twilioAuthToken, publicUrl }: CallbackParts,
): Form | undefined {
  const signature = request.headers['x-twilio-signature'];
  if (!twilioAuthToken || typeof signature !== 'string' || typeof request.body !== 'object') return undefined;
  const form = (request.body ?? {}) as Form;
  const isOurs = twilio.validateRequest(twilioAuthToken, signature, `${publicUrl}${request.url}`, form);
  return isOurs ? form : undefined;
}

function text(form: Form, name: string): string | undefined {
  const value = Object.hasOwn(form, name) ? form[name] : undefined;
  return typeof value === 'string' && value.length <= 2_000 ? value : undefined;
}

/** However many are forged, what Twilio has signed is still taken: nobody shuts it out. */
async function refuseForged(
  request: FastifyRequest,
  reply: FastifyReply,
  refusals: Refusals,
  log: Logger,
): Promise<FastifyReply> {
  const isFlood = refusals.isFlood(request.ip);
  refusals.count(request.ip);
  if (!isFlood)
    log.warn({ route: request.routeOptions.url, from: request.ip }, 'a callback was forged, and refused');
  return reply.code(isFlood ? 429 : 403).send();
}

/** However many are guessed, a link that somebody was sent is still good: behind a proxy all may be one caller. */
function serveLinks(app: FastifyInstance, parts: CallbackParts, refusals: Refusals): void {
  const { warehouse, log } = parts;
  const say = (reply: FastifyReply, code: number, page: string) =>
    reply.code(code).headers(PAGE_HEADERS).send(page);
  const refuseGuess = ({ ip }: FastifyRequest, reply: FastifyReply) => {
    const isFlood = refusals.isFlood(ip);
    refusals.count(ip);
    if (!isFlood) log.warn({ callback: 'link', from: ip }, 'a link was guessed, and refused');
    return isFlood
      ? say(reply, 429, sayPage('Too many calls. Try again in a minute.'))
      : say(reply, 404, sayPage('This link leads nowhere.'));
  };
  app.get<{ Params: { token: string } }>('/ack/:token', async (request, reply) => {
    const alert = await findLink(warehouse, request.params.token);
    if (!alert) return refuseGuess(request, reply);
    return say(reply, alert.isOpen ? 200 : 410, alert.isOpen ? askPage(alert) : sayPage(LINK_IS_OVER));
  });
  app.post<{ Params: { token: string } }>('/ack/:token', async (request, reply) => {
    const { token } = request.params;
    if (!(await findLink(warehouse, token))) return refuseGuess(request, reply);
    const changed = await useLink(warehouse, token);
    log.info({ callback: 'link', outcome: changed ? 'acknowledged' : 'late' }, 'somebody followed a link');
    if (!changed) return say(reply, 410, sayPage(LINK_IS_OVER));
    for (const alertId of changed) await tell(parts, () => parts.alertChanged(alertId));
    return say(reply, 200, sayPage('It is acknowledged. Nobody else is called.'));
  });
}

const LINK_IS_OVER =
  'This link acknowledges nothing any more: it was used, it expired, or the alert is acknowledged or resolved.';

/** The archive has it, which is what counts; an escalation that was not told looks there before it pages anybody. */
async function tell({ log }: CallbackParts, change: () => Promise<void>): Promise<void> {
  try {
    await change();
  } catch (error) {
    log.error(
      { error: describe(error) },
      'an escalation could not be told; it looks at the archive by itself',
    );
  }
}
