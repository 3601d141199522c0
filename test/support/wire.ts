import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What PostgreSQL answered to bytes that were held and then let go. */
export type Answer = 'CommandComplete' | 'ErrorResponse' | 'Closed';

/** A load session that stands still: its client has sent something that PostgreSQL has not got. */
export interface Held {
  /** Lets the bytes go, and says what PostgreSQL answered to them. */
  release(): Promise<Answer>;
}

type Place = 'COMMIT' | 'COPY';
type Fate = 'hold' | 'lose the request' | 'lose the answer';

interface Trap {
  readonly place: Place;
  readonly fate: Fate;
  readonly spring: (held: Held) => void;
}

/** COMMIT as a simple query; the message that ends a COPY. */
const MARKS: Readonly<Record<Place, Buffer>> = {
  COMMIT: Buffer.from('COMMIT\0'),
  COPY: Buffer.from([0x63, 0, 0, 0, 4]),
};

/**
 * The cable between a worker and PostgreSQL: a TCP proxy that lets everything through, until it is told to hold or to
 * lose what a load session sends. Other sessions never notice it.
 */
export class Wire implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #traps: Trap[] = [];
  readonly #target: URL;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((client) => this.#carry(client));
  }

  /** @param url of PostgreSQL */
  static async lay(url: string): Promise<Wire> {
    const wire = new Wire(new URL(url));
    wire.#server.listen(0, '127.0.0.1');
    await once(wire.#server, 'listening');
    return wire;
  }

  /** The URL, by way of this wire. */
  through(url: string): string {
    const through = new URL(url);
    through.hostname = '127.0.0.1';
    through.port = String((this.#server.address() as AddressInfo).port);
    return through.href;
  }

  /** The next load session that comes to this place stands still there. */
  hold(place: Place): Promise<Held> {
    return this.#trap(place, 'hold');
  }

  /** The next COMMIT of a load session is cut off before PostgreSQL gets it, or before its answer is back. */
  async cut(fate: 'lose the request' | 'lose the answer'): Promise<void> {
    await this.#trap('COMMIT', fate);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #trap(place: Place, fate: Fate): Promise<Held> {
    return new Promise((spring) => void this.#traps.push({ place, fate, spring }));
  }

  #carry(client: Socket): void {
    const server = connect(Number(this.#target.port), this.#target.hostname);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    let isLoad: boolean | undefined;
    client.on('data', (chunk) => {
      isLoad ??= chunk.includes('nt:'); // the first message names the application
      const trap = isLoad ? this.#takeTrap(chunk) : undefined;
      if (trap) spring(trap, chunk, client, server);
      else server.write(chunk);
    });
    server.on('data', (chunk) => client.write(chunk));
  }

  #takeTrap(chunk: Buffer): Trap | undefined {
    const index = this.#traps.findIndex(({ place }) => chunk.includes(MARKS[place]));
    return index < 0 ? undefined : this.#traps.splice(index, 1)[0];
  }
}

function spring({ fate, spring: sprung }: Trap, chunk: Buffer, client: Socket, server: Socket): void {
  const answer = () => answerOf(server, () => server.write(chunk));
  if (fate === 'hold') {
    client.pause();
    const release = () => {
      client.resume();
      return answer();
    };
    sprung({ release });
    return;
  }
  client.destroy();
  if (fate === 'lose the request') server.destroy();
  else void answer().finally(() => server.destroy());
  sprung({ release: () => Promise.resolve('Closed') });
}

/** The kind of the first message after `send`. */
async function answerOf(server: Socket, send: () => void): Promise<Answer> {
  if (server.destroyed) return 'Closed';
  const answer = new Promise<Answer>((resolve) => {
    server.once('data', (chunk) => resolve(chunk[0] === 0x45 ? 'ErrorResponse' : 'CommandComplete'));
    server.once('close', () => resolve('Closed'));
  });
  send();
  return answer;
}
