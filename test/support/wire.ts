import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Message } from './pg-messages.ts';
import { isAt, Line, type Fate, type Held, type Place, type Trap } from './wire-line.ts';

interface Where {
  /** Which time the place is come to, from 1. */
  readonly nth?: number;
  /** Only sessions whose name begins like this; by default those of loads. */
  readonly from?: string;
}

/**
 * The cable between a worker and PostgreSQL: a TCP proxy that reads the protocol and lets everything through, until it
 * is told to hold or to lose what a session sends or is answered. Other sessions never notice it.
 */
export class Wire implements AsyncDisposable {
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  readonly #traps: Trap[] = [];
  readonly #target: URL;
  readonly #silenced = new Set<Line>();
  #delayMs = 0;
  #isDark = false;

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

  /** The next session that comes to this place stands still there: PostgreSQL does not get what it sends. */
  hold(place: Place, where?: Where): Promise<Held> {
    return this.#trap(place, 'hold', where);
  }

  /** The next session that comes to this place is not told what PostgreSQL answered. */
  holdAnswer(place: Place, where?: Where): Promise<Held> {
    return this.#trap(place, 'hold the answer', where);
  }

  /** The next session that comes to this place is cut off before PostgreSQL gets it, or before its answer is back. */
  async cut(
    fate: 'lose the request' | 'lose the answer',
    place: Place = 'COMMIT',
    where?: Where,
  ): Promise<void> {
    await this.#trap(place, fate, where);
  }

  /** The next COMMIT of a load finds its transaction aborted by an error that nobody was told of. */
  async abort(): Promise<void> {
    await this.#trap('COMMIT', 'abort');
  }

  /** Every message takes so much longer from now on. */
  slow(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** From now on nothing comes through, and nobody is told: a black hole. */
  goDark(): void {
    this.#isDark = true;
    for (const line of this.#lines) line.pause();
  }

  /**
   * Connections that are open now say nothing any more, for good, and nobody is told; new ones are sound.
   * @param where `except` spares sessions of this name
   */
  silence({ except = '' } = {}): void {
    for (const line of this.#lines) {
      if (except !== '' && line.application === except) continue;
      line.pause();
      this.#silenced.add(line);
    }
  }

  /** Light again: what was underway is reset. Traps that never sprang are taken away. */
  mend(): void {
    this.#delayMs = 0;
    this.#traps.length = 0;
    for (const line of this.#silenced) line.cut();
    if (this.#isDark) this.reset();
    this.#isDark = false;
  }

  /** Resets every connection. */
  reset(): void {
    for (const line of this.#lines) line.cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.reset();
    await closed;
  }

  #trap(place: Place, fate: Fate, { nth = 1, from = 'nt:' }: Where = {}): Promise<Held> {
    return new Promise((spring) => void this.#traps.push({ place, fate, from, spring, left: nth - 1 }));
  }

  #carry(client: Socket): void {
    const server = connect(Number(this.#target.port), this.#target.hostname);
    const line = new Line(client, server, {
      takeTrap: (message, application) => this.#takeTrap(message, application),
      delayMs: () => this.#delayMs,
      onClose: () => {
        this.#lines.delete(line);
        this.#silenced.delete(line);
      },
    });
    this.#lines.add(line);
    if (this.#isDark) line.pause();
  }

  #takeTrap(message: Message, application: string): Trap | undefined {
    for (const [index, trap] of this.#traps.entries()) {
      if (!application.startsWith(trap.from) || !isAt(trap.place, message)) continue;
      if (trap.left-- > 0) continue;
      return this.#traps.splice(index, 1)[0];
    }
    return undefined;
  }
}
