import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { ISOLATIONS, type Isolation } from '../support/by-hand.ts';
import type { Look } from './day.ts';

const PAUSE_MS = 15;

/**
 * Readers of a day, one at each isolation level, each of which looks twice in a transaction, again and again until it
 * is told to stop. A server that goes away is waited for.
 */
export class Watch implements AsyncDisposable {
  readonly seen = new Set<string>();
  looks = 0;
  #stopped = false;
  readonly #loops: Promise<void>[];

  constructor(readerUrl: string, look: Look) {
    this.#loops = ISOLATIONS.map((isolation) =>
      this.#watch(readerUrl, look, isolation).catch((error: unknown) => void this.seen.add(String(error))),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }

  async #watch(url: string, look: Look, isolation: Isolation): Promise<void> {
    while (!this.#stopped) {
      const client = new pg.Client({ connectionString: url, application_name: 'watch' });
      client.on('error', () => undefined); // the look that fails says it
      try {
        await client.connect();
        while (!this.#stopped) {
          await client.query(`begin isolation level ${isolation} read only`);
          for (let nth = 0; nth < 2; nth++) {
            const { rows } = await client.query<{ seen: string }>(look.sql, [...look.values]);
            this.seen.add(rows[0]?.seen ?? '');
            this.looks += 1;
            await pause(PAUSE_MS);
          }
          await client.query('commit');
        }
      } catch (error) {
        if (!isServerAway(error)) throw error;
        await pause(50);
      } finally {
        await client.end().catch(() => undefined); // gone with its server
      }
    }
  }
}

function isServerAway(error: unknown): boolean {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  // 40P01, 40001: a reader may lose as anybody else may, but what it saw before was whole.
  return /^(57P|08|ECONN|EPIPE|40)/.test(code) || /terminated|not queryable/i.test(message);
}
