import { timingSafeEqual } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { isCalendarDay, type BusinessDate } from '../../rules/business-date.ts';
import { ConfigurationError, describe, NightTrainError, UsageError } from '../../rules/errors.ts';
import { Control, type PageRequest } from './control.ts';
import { movementsOf, type Movement } from './movements.ts';
import { pageOf, readCursor, type ApiRecord } from './page.ts';
import { ScenarioSchema, type Scenario } from './scenario.ts';
import { STATIONS } from './stations.ts';
import { answer, answerWith, isOnTheWire } from './wire.ts';

export interface FreightApiOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** Reachable from this machine alone unless said otherwise. */
  readonly host?: string;
  /** The bearer token that `/v1` asks for; without one it asks for none. */
  readonly token?: string;
  /** Another seed is another railway's traffic. */
  readonly seed?: string;
  readonly scenario?: Scenario;
}

export interface FreightApi {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts the freight railway's API on this machine: `/v1/stations`, `/v1/movements?date=&limit=&cursor=`, and
 * `/control` to switch faults on (POST), look (GET) and clear (DELETE). A day answers the same whenever it is asked.
 * @throws UsageError where the scenario makes no sense
 * @throws ConfigurationError where the port is taken
 */
export async function startFreightApi(options: FreightApiOptions = {}): Promise<FreightApi> {
  const { port = 0, host = '127.0.0.1', token, seed = 'night-train', scenario } = options;
  const app = fastify({
    bodyLimit: 256 * 1024,
    forceCloseConnections: true, // a black hole never ends by itself
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, discriminator: true } },
  });
  const control = new Control();
  app.setErrorHandler(async (error: Error & { statusCode?: number }, _request, reply) => {
    const status = error instanceof NightTrainError ? 400 : (error.statusCode ?? 500);
    return await reply.code(status).send({ error: describe(error) });
  });
  serveControl(app, control);
  serveFreight(app, control, { seed, token });
  if (scenario !== undefined) await rehearse(app, scenario);
  try {
    const url = await app.listen({ port, host });
    return { url, close: () => app.close() };
  } catch (cause) {
    throw new ConfigurationError(`The freight API cannot listen on ${host}:${port}`, {
      detail: (cause as Error).message,
      hint: 'Choose another port, or 0 for a free one.',
      cause,
    });
  }
}

function serveControl(app: FastifyInstance, control: Control): void {
  app.get('/control', () => control.show());
  app.post<{ Body: Scenario }>('/control', { schema: { body: ScenarioSchema } }, ({ body }) => {
    for (const { date } of [...(body.days ?? []), ...(body.faults ?? [])]) {
      if (date !== undefined && !isCalendarDay(date))
        throw new UsageError(`${date} is no day of the calendar`);
    }
    control.switchOn(body);
    return control.show();
  });
  app.delete('/control', () => {
    control.clear();
    return control.show();
  });
}

/** A scenario given at the start goes the way of one that is posted: one schema, one check. */
async function rehearse(app: FastifyInstance, scenario: Scenario): Promise<void> {
  const response = await app.inject({ method: 'POST', url: '/control', payload: scenario });
  if (response.statusCode === 200) return;
  throw new UsageError('The scenario of the freight API makes no sense', {
    detail: response.json<{ error: string }>().error,
    hint: 'Compare it with the faults and days that docs/guides/freight-api.md lists.',
  });
}

interface Query {
  readonly date?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

const LIMIT = { type: 'string', pattern: '^([1-9][0-9]{0,2}|1000)$' };
const CURSOR = { type: 'string', maxLength: 200 };
const DATE = { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}$' };

function serveFreight(
  app: FastifyInstance,
  control: Control,
  { seed, token }: { seed: string; token: string | undefined },
): void {
  app.addHook('onRequest', async (request, reply) => {
    if (!request.url.startsWith('/v1/') || token === undefined) return;
    if (!isToken(request.headers.authorization, token))
      await reply.code(401).send({ error: 'a bearer token is needed' });
  });
  const daysAtHand = new Map<string, Movement[]>();
  const movements = (date: string): readonly Movement[] => {
    const variant = control.variantOf(date);
    const name = JSON.stringify([date, variant]);
    const rows = daysAtHand.get(name) ?? movementsOf(date as BusinessDate, seed, variant);
    if (daysAtHand.size >= 8) daysAtHand.clear();
    daysAtHand.set(name, rows);
    return rows;
  };

  const stations = { type: 'object', properties: { limit: LIMIT, cursor: CURSOR } };
  app.get<{ Querystring: Query }>('/v1/stations', { schema: { querystring: stations } }, ({ query }, reply) =>
    sendPage(reply, control, query, '/v1/stations', STATIONS),
  );
  const dated = {
    type: 'object',
    required: ['date'],
    properties: { date: DATE, limit: LIMIT, cursor: CURSOR },
  };
  app.get<{ Querystring: Query }>('/v1/movements', { schema: { querystring: dated } }, ({ query }, reply) => {
    const { date = '' } = query;
    if (!isCalendarDay(date)) throw new UsageError(`${date} is no day of the calendar`);
    return sendPage(reply, control, query, '/v1/movements', movements(date));
  });
}

function sendPage(
  reply: FastifyReply,
  control: Control,
  { date, limit = '500', cursor }: Query,
  path: PageRequest['path'],
  records: readonly ApiRecord[],
): FastifyReply {
  const of = date ?? path;
  const at = cursor === undefined ? { offset: 0, of } : readCursor(cursor, of);
  if (!at) throw new UsageError('the cursor belongs to another query');
  const size = Number(limit);
  const striking = control.striking({ path, date, page: Math.floor(at.offset / size) + 1 });
  const onTheWire = striking.find(({ fault }) => isOnTheWire(fault));
  // A page that is maimed on its way leaves the faults of its content for the next answer.
  const struck = onTheWire
    ? [onTheWire]
    : striking.filter(({ fault }) => !at.again || fault.fault !== 'duplicate-page');
  for (const record of struck) record.struck += 1;
  const faults = struck.map(({ fault }) => fault);
  const wireFault = faults.find(isOnTheWire);
  const body = JSON.stringify(pageOf(records, at, size, faults));
  return wireFault ? answerWith(wireFault, reply, body) : answer(reply, body);
}

function isToken(header: string | undefined, token: string): boolean {
  const [given, wanted] = [Buffer.from(header ?? ''), Buffer.from(`Bearer ${token}`)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
