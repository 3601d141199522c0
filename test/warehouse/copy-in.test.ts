import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import pg, { type PoolClient } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest';
import { COPY_BEGIN, COPY_END, CopyRows } from '../../intake/copy-rows.ts';
import { CopyIn } from '../../warehouse/copy-in.ts';
import { isConnectionLoss } from '../../warehouse/failure.ts';
import { until } from '../support/intake.ts';

const TEXT = 'copy copied (number) from stdin';
const BINARY = 'copy copied (number, content) from stdin (format binary)';
/** Whoever holds it keeps PostgreSQL from taking rows: the first one waits for it in a trigger. */
const GATE = 7_001;

let other: pg.Client;
beforeAll(async () => {
  other = new pg.Client({ connectionString: inject('databaseUrl') });
  await other.connect();
  await other.query(`create table copied (number integer, content bytea);
    create function pass_gate() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock_shared(${GATE}); return null; end $$;
    create trigger gate before insert on copied for each statement execute function pass_gate()`);
});
afterAll(async () => {
  await other.query('drop table copied; drop function pass_gate()');
  await other.end();
});
beforeEach(() => other.query('truncate copied'));

/** A session, and a look at it from outside. */
class Session {
  readonly client: pg.Client;
  pid = 0;

  constructor(url: string) {
    this.client = new pg.Client({ connectionString: url });
    this.client.on('error', () => undefined); // told to whoever waits for an answer
  }

  static async open(url = inject('databaseUrl')): Promise<Session> {
    const session = new Session(url);
    await session.client.connect();
    onTestFinished(() => session.client.end());
    const { rows } = await session.client.query<{ pid: number }>('select pg_backend_pid() as pid');
    session.pid = rows[0]?.pid ?? 0;
    return session;
  }

  copy(statement = TEXT): CopyIn {
    return new CopyIn(this.client as unknown as PoolClient, statement);
  }

  async isLocked(): Promise<boolean> {
    const asked = `select 1 from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'`;
    return (await other.query(asked, [this.pid])).rowCount === 1;
  }

  terminate(): Promise<unknown> {
    return other.query('select pg_terminate_backend($1, 10000)', [this.pid]);
  }
}

/** A way to PostgreSQL that takes from either end only what the other one takes, and may be cut. */
async function layCable(target: string) {
  const url = new URL(target);
  const { hostname, port } = url;
  const ends: Socket[] = [];
  const server = createServer((client) => {
    const far = connect(Number(port), hostname);
    for (const end of [client, far]) end.on('error', () => undefined);
    client.pipe(far).pipe(client);
    ends.push(client, far);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  url.port = String((server.address() as AddressInfo).port);
  return { url: url.href, cut: async () => ends.forEach((end) => end.resetAndDestroy()) };
}

async function countRows(): Promise<unknown> {
  return (await other.query<{ rows: number }>('select count(*)::int as rows from copied')).rows[0]?.rows;
}

/** Until it is opened, or the test ends. */
async function closeGate(): Promise<{ open: () => Promise<unknown> }> {
  const open = () => other.query('select pg_advisory_unlock_all()');
  onTestFinished(async () => void (await open()));
  await other.query('select pg_advisory_lock($1)', [GATE]);
  return { open };
}

/** What becomes of it, now or later. */
const endOf = (work: Promise<unknown>) =>
  work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

const line = (text: string) => Buffer.from(`${text}\n`);

describe('rows in memory that is used again', () => {
  const ROWS_BYTES = 30 * 1024 * 1024; // more than sockets hold

  test.each([1_000, 12_000, 300_000])(
    'arrive as they were, %i bytes a piece, also where PostgreSQL takes none for a while',
    async (bytes) => {
      const [session, pieces] = [await Session.open(), Math.ceil(ROWS_BYTES / bytes)];
      const gate = await closeGate();
      const copy = session.copy(BINARY);
      let sent = 0;
      const copying = (async () => {
        await copy.send(COPY_BEGIN);
        const row = new CopyRows(bytes + 32);
        for (; sent < pieces; sent++) {
          row.at = 0;
          row.int16(2);
          row.int32(4);
          row.int32(sent);
          row.int32(bytes);
          row.bytes.fill(sent % 251, row.at, row.at + bytes);
          row.at += bytes;
          await copy.send(row.written());
          row.bytes.fill(0xff);
        }
        await copy.send(COPY_END);
        return copy.end();
      })();
      const { stream } = (
        session.client as pg.Client & { connection: { stream: { writableLength: number } } }
      ).connection;
      await until(async () => stream.writableLength > 0 && (await session.isLocked()), 30_000);
      expect(sent).toBeLessThan(pieces);
      await gate.open();
      expect(await copying).toBe(pieces);
      const { rows } = await other.query(
        `select count(distinct number)::int as rows,
           count(*) filter (where content = decode(repeat(lpad(to_hex(number % 251), 2, '0'), $1), 'hex'))::int as sound
         from copied`,
        [bytes],
      );
      expect(rows).toEqual([{ rows: pieces, sound: pieces }]);
    },
  );
});

describe('before PostgreSQL is ready for rows', () => {
  /** A COPY whose table somebody else keeps to himself. */
  async function blocked() {
    const session = await Session.open();
    await other.query('begin; lock table copied in access exclusive mode');
    const copy = session.copy();
    await until(() => session.isLocked());
    return { session, copy };
  }

  test('what is sent waits for it, and is copied', async () => {
    const { copy } = await blocked();
    const sent = copy.send(line('1'));
    await other.query('commit');
    await sent;
    expect(await copy.end()).toBe(1);
  });

  test('an end waits for it', async () => {
    const { copy } = await blocked();
    const ended = copy.end();
    await other.query('commit');
    expect(await ended).toBe(0);
  });

  test('a COPY that is given up waits for it, and the session goes on', async () => {
    const { session, copy } = await blocked();
    const failed = copy.fail(new Error('the source broke'));
    await other.query('commit');
    await failed;
    await session.client.query('select 1');
    expect(await countRows()).toBe(0);
  });

  test('a session that is ended meanwhile is told to whoever waits', async () => {
    const { session, copy } = await blocked();
    const sent = endOf(copy.send(line('1')));
    await session.terminate();
    await other.query('rollback');
    expect(await sent).toMatchObject({ error: { code: '57P01' } });
    await copy.fail(new Error('no more'));
  });
});

describe.each([
  ['refused at once', 'copy nowhere from stdin', '1', '42P01'],
  ['broken by its rows', TEXT, 'no number', '22P02'],
])('a COPY that PostgreSQL has %s', (_, statement, text, code) => {
  test.each(['send', 'end'] as const)('says so to whoever asks it to %s, however often', async (act) => {
    const session = await Session.open();
    const copy = session.copy(statement);
    const first = await endOf(copy.send(line(text)).then(() => copy.end()));
    expect(first).toMatchObject({ error: { code } });
    for (let times = 0; times < 2; times++)
      expect(await endOf(act === 'send' ? copy.send(line(text)) : copy.end())).toEqual(first);
    await copy.fail(new Error('no more'));
    await session.client.query('select 1');
  });

  test('says so to whoever goes on sending', async () => {
    const session = await Session.open();
    const copy = session.copy(statement);
    const sending = async () => {
      for (; ; await nextTurn()) await copy.send(line(text));
    };
    expect(await endOf(sending())).toMatchObject({ error: { code } });
    expect(await endOf(copy.end())).toMatchObject({ error: { code } });
    await session.client.query('select 1');
  });

  test('may be given up at any time', async () => {
    const session = await Session.open();
    await session.copy(statement).fail(new Error('at once'));
    const copy = session.copy(statement);
    const sent = endOf(copy.send(line(text)));
    await copy.fail(new Error('meanwhile'));
    await sent;
    await session.client.query('select 1');
    expect(await countRows()).toBe(0);
  });
});

test('a COPY that is given up in the middle leaves no row, and a transaction that nobody can commit', async () => {
  const session = await Session.open();
  await session.client.query('begin');
  const copy = session.copy();
  for (let row = 0; row < 1_000; row++) await copy.send(line(`${row}`));
  await copy.fail(new Error('the source broke'));
  expect(await endOf(session.client.query('select 1'))).toMatchObject({ error: { code: '25P02' } });
  await session.client.query('commit');
  expect(await countRows()).toBe(0);
});

describe('a connection that is lost', () => {
  const cut = async () => {
    const cable = await layCable(inject('databaseUrl'));
    return { session: await Session.open(cable.url), lose: cable.cut };
  };
  const ended = async () => {
    const session = await Session.open();
    return { session, lose: () => session.terminate() };
  };

  describe.each([
    ['cut', cut],
    ['ended by PostgreSQL', ended],
  ])('because it was %s', (_, begin) => {
    /** How it is told: whatever it is, it is known as the loss of a connection. */
    const lossOf = async (work: Promise<unknown>) => {
      const end = await endOf(work);
      return 'error' in end && isConnectionLoss(end.error) ? 'lost' : end;
    };

    test('is told to whoever sends, ends or gives up afterwards', async () => {
      const { session, lose } = await begin();
      const copy = session.copy();
      await copy.send(line('1'));
      await lose();
      const sending = async () => {
        for (; ; await nextTurn()) await copy.send(line('2'));
      };
      expect(await lossOf(sending())).toBe('lost');
      expect(await lossOf(copy.send(line('3')))).toBe('lost');
      expect(await lossOf(copy.end())).toBe('lost');
      await copy.fail(new Error('no more'));
    });

    test.each(['end', 'fail'] as const)('is no reason to wait for ever for the first %s', async (act) => {
      const { session, lose } = await begin();
      const copy = session.copy();
      await copy.send(line('1'));
      await lose();
      const loss = act === 'end' ? lossOf(copy.end()) : copy.fail(new Error('no more')).then(() => 'lost');
      expect(await loss).toBe('lost');
      expect(await countRows()).toBe(0);
    });

    test('is told to whoever waits for rows to leave', async () => {
      const { session, lose } = await begin();
      await closeGate();
      const copy = session.copy();
      const rows = Buffer.from('1\n'.repeat(500_000));
      let isWaiting = false;
      const sending = async () => {
        for (; ; await nextTurn()) {
          isWaiting = true;
          await copy.send(rows);
          isWaiting = false;
        }
      };
      const loss = lossOf(sending());
      await until(async () => isWaiting && (await session.isLocked()));
      await lose();
      expect(await loss).toBe('lost');
      await copy.fail(new Error('no more'));
    });
  });
});
