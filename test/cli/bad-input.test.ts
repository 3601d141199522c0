import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Command, openInstallation, type Answer } from '../support/installation.ts';
import { OldServer } from '../support/old-server.ts';
import { unguarded } from '../support/unguarded.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nighttrain-bad-'));
  await mkdir(join(folder, 'datasets'));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
});
afterAll(() => rm(folder, { recursive: true }));

/** A command in an empty project. */
const nighttrain = (line: string[], env: NodeJS.ProcessEnv = {}): Promise<Answer> =>
  new Command(line, { ...process.env, NIGHTTRAIN_HOME: join(folder, 'home'), ...env }, folder).answer();

/** Such an answer: a sentence with all of these words, exit code 2, and no stack trace. */
function refusal(...words: RegExp[]) {
  const all = words.map(({ source }) => `(?=[^]*${source})`).join('');
  return {
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(new RegExp(`^(?![^]*\\n +at )${all}`)) as unknown,
  };
}

describe('what is set up wrong ends in a sentence, what to do, and exit code 2', () => {
  test('an unknown command', async () => {
    expect(await nighttrain(['sail'])).toMatchObject(refusal(/unknown command 'sail'/));
  });

  test('several wrong variables, told at once', async () => {
    const env = { NIGHTTRAIN_DATABASE_URL: 'mysql://x', TEMPORAL_ADDRESS: 'nowhere', LOG_LEVEL: 'loud' };
    expect(await nighttrain(['up'], env)).toMatchObject(
      refusal(
        /NIGHTTRAIN_DATABASE_URL is not a postgres:\/\/ URL/,
        /TEMPORAL_ADDRESS is not host:port/,
        /LOG_LEVEL/,
      ),
    );
  });

  test('a PostgreSQL that nobody listens for', async () => {
    const env = { NIGHTTRAIN_DATABASE_URL: `postgres://me:secret-word@127.0.0.1:${await closedPort()}/db` };
    const answer = await nighttrain(['migrate'], env);
    expect(answer).toMatchObject(
      refusal(/PostgreSQL at 127\.0\.0\.1:\d+ does not let me in/, /is PostgreSQL running/),
    );
    expect(answer.stderr).not.toContain('secret-word');
  });

  test('a server that takes the connection and never answers', async () => {
    await using silent = await listen();
    const env = { NIGHTTRAIN_DATABASE_URL: `postgres://me:x@127.0.0.1:${silent.port}/db` };
    const began = performance.now();
    expect(await nighttrain(['migrate'], env)).toMatchObject(refusal(/does not let me in/, /timeout/i));
    expect(performance.now() - began).toBeLessThan(30_000);
  });

  test('a wrong password', async () => {
    const url = new URL(inject('databaseUrl'));
    url.password = 'guessed-badly';
    const answer = await nighttrain(['migrate'], { NIGHTTRAIN_DATABASE_URL: url.href });
    expect(answer).toMatchObject(refusal(/password authentication failed/, /NIGHTTRAIN_LOADER_PASSWORD/));
    expect(answer.stderr).not.toContain('guessed-badly');
  });

  test('a PostgreSQL older than 15', async () => {
    await using old = await OldServer.before(inject('databaseUrl'));
    expect(await nighttrain(['migrate', '--bootstrap'], { NIGHTTRAIN_DATABASE_URL: old.url })).toMatchObject(
      refusal(/PostgreSQL 14\.\d is too old/, /needs PostgreSQL 15 or newer/),
    );
  });

  test('a Temporal that nobody listens for', async () => {
    const env = {
      NIGHTTRAIN_DATABASE_URL: inject('databaseUrl'),
      TEMPORAL_ADDRESS: `127.0.0.1:${await closedPort()}`,
    };
    expect(await nighttrain(['worker', '--dry-run'], env)).toMatchObject(
      refusal(/Temporal does not answer at/, /TEMPORAL_ADDRESS/),
    );
  });

  test('nothing configured and nothing running', async () => {
    for (const line of [['worker'], ['migrate'], ['up', '--dry-run'], ['status']])
      expect(await nighttrain(line)).toMatchObject(refusal(/npx nighttrain up/));
  });

  test('a home of another version', async () => {
    const home = join(folder, 'newer');
    await mkdir(home);
    await writeFile(join(home, 'home.json'), '{"version":99}');
    expect(await nighttrain(['up'], { NIGHTTRAIN_HOME: home })).toMatchObject(
      refusal(/of version 99/, /set NIGHTTRAIN_HOME/),
    );
  });

  test('a home that nobody can write', async () => {
    expect(await nighttrain(['up'], { NIGHTTRAIN_HOME: '/proc/nighttrain' })).toMatchObject(
      refusal(/is not open to this user/),
    );
  });

  test('a simulator’s port in use, or none', async () => {
    await using taken = await listen();
    expect(await nighttrain(['simulate', '--port', String(taken.port)])).toMatchObject(
      refusal(/cannot listen/, /another port/),
    );
    expect(await nighttrain(['simulate', '--port', '70000'])).toMatchObject(refusal(/'70000' is no port/));
  });

  test('a scenario that is no JSON, or means nothing', async () => {
    const file = join(folder, 'scenario.json');
    await writeFile(file, '{"faults":[{"fault":"plague"}]}');
    expect(await nighttrain(['simulate', '--scenario', file])).toMatchObject(refusal(/makes no sense/));
    await writeFile(file, 'once upon a time');
    expect(await nighttrain(['simulate', '--scenario', file])).toMatchObject(refusal(/cannot be read/));
  });

  test('a dataset’s file that is broken', async () => {
    const file = join(folder, 'datasets/broken.ts');
    await writeFile(file, 'export default {');
    expect(await nighttrain(['up'])).toMatchObject(refusal(/datasets\/broken\.ts could not be read/));
    await writeFile(file, `export default { name: 'other', columns: {}, table: 'other' };`);
    expect(await nighttrain(['dataset', 'list'])).toMatchObject(
      refusal(/declares 'other': file and dataset must have one name/),
    );
    await rm(file);
  });

  test('a table that differs from its declaration', async () => {
    await using here = await openInstallation();
    expect((await here.run(['migrate', '--bootstrap'])).code).toBe(0);
    await unguarded(here.database, 'alter table warehouse.flight alter tailnum type varchar(6)');
    const answer = await here.run(['worker']);
    expect(answer).toMatchObject(
      refusal(
        /flights: column tailnum is declared text, the table has character varying\(6\)/,
        /Write a migration/,
      ),
    );
    const look = await here.run(['doctor']);
    expect(look.stdout).toMatch(/fail +datasets +The warehouse is not what the datasets declare/);
    expect(look.code).toBe(1);
  });
});

/** A server that takes connections and says nothing. */
async function listen(): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => void sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    [Symbol.asyncDispose]: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  await using server = await listen();
  return server.port;
}
