import type { FastifyReply } from 'fastify';
import type { Fault } from './scenario.ts';

const MAINTENANCE = '<!doctype html>\n<title>Maintenance</title>\n<h1>We are back soon</h1>\n';
const HEADERS = { 'content-type': 'application/json; charset=utf-8' };

/** Faults that replace or maim the answer itself; the others change its content (page.ts). */
const ON_THE_WIRE = new Set<Fault['fault']>([
  'status',
  'slow-drip',
  'truncated',
  'reset',
  'black-hole',
  'html',
  'broken-json',
]);

export function isOnTheWire({ fault }: Fault): boolean {
  return ON_THE_WIRE.has(fault);
}

/** Answers with the page, as the fault has it. */
export function answer(reply: FastifyReply, body: string, fault: Fault | undefined): FastifyReply {
  reply.headers(HEADERS);
  switch (fault?.fault) {
    case 'status': {
      const { status = 500, retryAfter } = fault;
      if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
      return reply.code(status).send(JSON.stringify({ error: `simulated ${status}` }));
    }
    case 'html':
      return reply.type('text/html; charset=utf-8').send(MAINTENANCE);
    case 'broken-json':
      return reply.send(body.slice(0, Math.floor(body.length / 2)));
    case 'reset':
      reply.hijack().raw.socket?.resetAndDestroy();
      return reply;
    case 'black-hole':
      return reply.hijack(); // ends when the client hangs up or the simulator closes
    case 'truncated':
      return truncated(reply, Buffer.from(body));
    case 'slow-drip':
      return drip(reply, Buffer.from(body), fault.bytes ?? 64, fault.everyMs ?? 100);
    default:
      return reply.send(body);
  }
}

/** Promises the whole length, sends half and hangs up. */
function truncated(reply: FastifyReply, body: Buffer): FastifyReply {
  const { raw } = reply.hijack();
  raw.writeHead(200, { ...HEADERS, 'content-length': body.length });
  raw.write(body.subarray(0, Math.floor(body.length / 2)), () => raw.destroy());
  return reply;
}

function drip(reply: FastifyReply, body: Buffer, bytes: number, everyMs: number): FastifyReply {
  const { raw } = reply.hijack();
  raw.writeHead(200, { ...HEADERS, 'content-length': body.length });
  let sent = 0;
  const timer = setInterval(() => {
    raw.write(body.subarray(sent, sent + bytes));
    sent += bytes;
    if (sent < body.length) return;
    clearInterval(timer);
    raw.end();
  }, everyMs);
  raw.on('close', () => clearInterval(timer));
  return reply;
}
