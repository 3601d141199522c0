import { once } from 'node:events';
import { createServer } from 'node:net';
import { codeOf } from './processes.ts';

export const LOOPBACK = '127.0.0.1';

/** Ports nobody listens on: the wanted ones where they are still free, so that bookmarks and `psql` lines hold. */
export async function freePorts(wanted: readonly (number | undefined)[]): Promise<number[]> {
  const held = [];
  try {
    for (const port of wanted) {
      const server = (port !== undefined && (await hold(port))) || (await hold(0));
      if (!server) throw new Error('This machine has no free TCP port on the loopback interface');
      held.push(server); // all are held at once: two answers are never the same
    }
    return held.map(({ port }) => port);
  } finally {
    await Promise.all(held.map(({ release }) => release()));
  }
}

async function hold(port: number): Promise<{ port: number; release: () => Promise<unknown> } | undefined> {
  const server = createServer().listen(port, LOOPBACK);
  try {
    await once(server, 'listening');
  } catch (error) {
    if (['EADDRINUSE', 'EACCES'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('A TCP server without a port');
  return { port: address.port, release: () => once(server.close(), 'close') };
}
