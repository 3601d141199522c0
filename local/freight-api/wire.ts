import type { FastifyReply } from 'fastify';
import type { Fault } from './scenario.ts';

const MAINTENANCE = '<!doctype html>\n<title>Maintenance</title>\n<h1>We are back soon</h1>\n';
const HEADERS = { 'content-type': 'application/json; charset=utf-8' };

const ON_THE_WIRE = [
  'status',
  'slow-drip',
  'truncated',
  'reset',
  'black-hole',
  'html',
  'broken-json',
] as const satisfies readonly Fault['fault'][];

/** Faults that replace or maim the answer itself; the others change its content (page.ts). */
export type WireFault = Extract<Fault, { fault: (typeof ON_THE_WIRE)[number] }>;

export function isOnTheWire(fault: Fault): fault is WireFault {
  return (ON_THE_WIRE as readonly string[]).includes(fault.fault);
}

export function answer(reply: FastifyReply, body: string): FastifyReply {
  return reply.headers(HEADERS).send(body);
}

/** Answers as the fault has it. */
export function answerWith(fault: WireFault, reply: FastifyReply, body: string): FastifyReply {
  if (fault.fault === 'status') return refuse(reply, fault.status ?? 500, fault.retryAfter);
  if (fault.fault === 'slow-drip')
    return drip(reply, Buffer.from(body), fault.bytes ?? 64, fault.everyMs ?? 100);
  if (fault.fault === 'truncated') return truncated(reply, Buffer.from(body));
  if (fault.fault === 'broken-json') return answer(reply, body.slice(0, Math.floor(body.length / 2)));
  if (fault.fault === 'html') return reply.type('text/html; charset=utf-8').send(MAINTENANCE);
  reply.hijack();
  // A black hole ends when the client hangs up or the simulator closes.
  if (fault.fault === 'reset') reply.raw.socket?.resetAndDestroy();
  return reply;
}

function refuse(reply: FastifyReply, status: number, retryAfter: string | undefined): FastifyReply {
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  return answer(reply.code(status), JSON.stringify({ error: `simulated ${status}` }));
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
