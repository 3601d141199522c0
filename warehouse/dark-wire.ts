import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';

/** A question that is not answered for so long makes us look after it. */
const SILENCE_MS = 10_000;
/** What was on its way when we looked has come by then. */
const GRACE_MS = 1_000;
const LONGEST_LOOK_MS = 5_000;

/** What pg knows of a session and its types do not tell. */
interface KnownSession {
  readonly processID: number | null;
  readonly readyForQuery: boolean;
}

/**
 * Clients that tell a dark wire from a slow statement: of a question that nobody answers they ask on another
 * connection whether its backend is at work. Where that waits for us as we wait for it, the wire is given up: without
 * this only the kernel would end the wait, a quarter of an hour later, and nobody at all behind a proxy (R14).
 * @param url to look by
 * @param longestMs silence that no work excuses, milliseconds
 */
export function watchfulClient(url: string, longestMs: number): typeof pg.Client {
  return class extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super(config);
      watch(this as unknown as KnownSession, this.connection.stream as Socket, url, longestMs);
    }
  };
}

function watch(session: KnownSession, socket: Socket, url: string, longestMs: number): void {
  let heard = 0;
  let silentMs = 0;
  const look = async () => {
    if (session.processID === null || session.readyForQuery) return; // nobody waits
    silentMs = socket.bytesRead === heard ? silentMs + SILENCE_MS : SILENCE_MS;
    heard = socket.bytesRead;
    const isDark = await waitsForUs(session.processID, url);
    if (isDark) await pause(GRACE_MS, undefined, { ref: false });
    if (socket.bytesRead !== heard || socket.destroyed) return;
    if (isDark || silentMs >= longestMs)
      socket.destroy(new Error(`connection terminated: silent for ${silentMs / 1000} s`));
    else socket.setTimeout(SILENCE_MS);
  };
  socket.setTimeout(SILENCE_MS, () => void look());
}

/** Whether a backend has nothing to do. Where nobody can say, a pooler in between for one, the answer is no. */
async function waitsForUs(pid: number, url: string): Promise<boolean> {
  const other = new pg.Client({
    connectionString: url,
    application_name: 'nighttrain look',
    connectionTimeoutMillis: LONGEST_LOOK_MS,
    query_timeout: LONGEST_LOOK_MS,
  });
  other.on('error', () => undefined); // the question fails with it
  try {
    await other.connect();
    const { rowCount } = await other.query(
      `select from pg_stat_activity
       where pid = $1 and datname = current_database() and usename = current_user and starts_with(state, 'idle')`,
      [pid],
    );
    return rowCount === 1;
  } catch {
    return false; // as dark as the wire that is asked about: the next look may see more
  } finally {
    (other.connection.stream as Socket).destroy(); // a dark one would not say goodbye
  }
}
