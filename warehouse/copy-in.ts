import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { PoolClient } from 'pg';
import { from as copyFrom, type CopyStreamQuery } from 'pg-copy-streams';

const NOTHING = Buffer.alloc(0);

/** One COPY FROM STDIN, piece by piece. */
export class CopyIn {
  readonly #copy: CopyStreamQuery;
  readonly #socket: Duplex;
  readonly #ended: Promise<void>;
  #isOver = false;

  /** @param copy the statement */
  constructor(client: PoolClient, copy: string) {
    this.#copy = client.query(copyFrom(copy));
    this.#socket = (client as PoolClient & { connection: { stream: Duplex } }).connection.stream;
    this.#ended = finished(this.#copy).finally(() => (this.#isOver = true));
    this.#ended.catch(() => undefined); // told to whoever sends, or ends it
  }

  /** One at a time. The bytes are the caller's own again once this is done: they have left. @throws PostgreSQL's error */
  send(bytes: Uint8Array): Promise<void> {
    if (this.#isOver) return this.#ended;
    return new Promise((resolve, reject) => {
      const done = (error?: Error | null) => {
        this.#copy.off('error', done);
        if (error) reject(error);
        else resolve();
      };
      this.#copy.once('error', done);
      this.#copy.write(bytes, (error) => {
        // The socket has them now, and may still hold them: what is written after them is done when they are gone.
        if (error) done(error);
        else this.#socket.write(NOTHING, done);
      });
    });
  }

  /** Answers how many rows were copied, by PostgreSQL's command tag. */
  async end(): Promise<number> {
    if (!this.#isOver) this.#copy.end();
    await this.#ended;
    return this.#copy.rowCount;
  }

  /** Has PostgreSQL give the COPY up, and waits until it has. */
  async fail(cause: Error): Promise<void> {
    if (!this.#isOver) this.#copy.destroy(cause);
    await this.#ended.catch(() => undefined);
  }
}
