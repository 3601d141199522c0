import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { knownPostgresFolder } from '../../local/postgres-folder.ts';
import { hasEnded, isRunning, markOf, signalTo } from '../../local/processes.ts';
import { serverUser } from '../../local/server-user.ts';
import { ask, kill, openHouseOfEngines } from '../support/house-of-engines.ts';

test('engines whose starter was killed are adopted by the next start, and stopped by it', async () => {
  await using house = await openHouseOfEngines();
  const { engines, child } = await house.startElsewhere({ engines: 'both' });
  const orphans = await house.recorded();
  await kill(child);
  const adopted = await house.startBoth();
  expect(adopted).toMatchObject(engines);
  expect(await house.recorded()).toEqual(orphans);
  await adopted.stop();
  await expect.poll(() => house.processes()).toEqual([]);
});

test('Ctrl-C at the terminal, which reaches the whole process group, leaves the engines to the worker', async () => {
  await using house = await openHouseOfEngines();
  const { child } = await house.startElsewhere({ engines: 'both' });
  const { postgres, temporal } = await house.recorded();
  process.kill(-(child.pid ?? 0), 'SIGINT');
  await expect.poll(() => child.signalCode).toBe('SIGINT');
  for (const engine of [postgres, temporal])
    expect(engine?.process && (await isRunning(engine.process))).toBe(true);
  expect(await house.find()).toHaveProperty('databaseUrl');
});

test('killed engines are started again over what they left, and what was committed is there', async () => {
  await using house = await openHouseOfEngines();
  const first = await house.startBoth();
  await ask(first.databaseUrl, 'create table committed as select 7 as answer');
  const session = new pg.Client({ connectionString: first.databaseUrl }); // its backend survives for a moment
  session.on('error', () => {}); // that is what happens to it
  await session.connect();
  await killEngines(house);
  expect(await house.find()).toEqual({});

  const second = await house.startBoth();
  expect(await ask(second.databaseUrl, 'select answer from committed')).toBe(7);
  expect(second).toMatchObject({ databaseUrl: first.databaseUrl, temporalAddress: first.temporalAddress });
  expect(house.said.join('\n')).not.toMatch(/fail|error/i);
});

test('a pid that another process has by now is not taken for a running engine', async () => {
  await using house = await openHouseOfEngines();
  const first = await house.startPostgres();
  await ask(first.databaseUrl, 'create table committed as select 7 as answer');
  await killEngines(house);
  const user = await serverUser(); // PostgreSQL looks twice only at processes of its own user
  const stranger = spawn('sleep', ['60'], { stdio: 'ignore', ...(user && { uid: user.uid, gid: user.gid }) });
  await once(stranger, 'spawn');
  const other = await markOf(stranger.pid ?? 0);
  const lock = join(await knownPostgresFolder(house.home), 'data', 'postmaster.pid');
  const [, ...rest] = (await readFile(lock, 'utf8')).split('\n');
  await writeFile(lock, [other?.pid, ...rest].join('\n'));
  const { postgres } = await house.recorded();
  const confused = { postgres: { ...postgres, process: { pid: other?.pid, startedAt: 'long ago' } } };
  await writeFile(join(house.home, 'engines.json'), JSON.stringify(confused));

  expect(await house.find()).toEqual({});
  const second = await house.startPostgres();
  expect(await ask(second.databaseUrl, 'select answer from committed')).toBe(7);
  expect(other && (await isRunning(other))).toBe(true);
  await kill(stranger);
});

test('a PostgreSQL that nobody wrote down is found by its own lock file', async () => {
  await using house = await openHouseOfEngines();
  const first = await house.startPostgres();
  const { postgres } = await house.recorded();
  await writeFile(join(house.home, 'engines.json'), '{"postgres":{"po'); // cut short by a full disk
  const second = await house.startPostgres();
  expect(second.databaseUrl).toBe(first.databaseUrl);
  expect((await house.recorded()).postgres).toEqual(postgres);
});

test('a frozen PostgreSQL is not found, and still stopped', async () => {
  await using house = await openHouseOfEngines();
  const engines = await house.startPostgres();
  const { postgres } = await house.recorded();
  if (postgres?.process) await signalTo(postgres.process, 'SIGSTOP');
  expect(await house.find()).toEqual({});
  await engines.stop();
  await expect.poll(() => house.processes()).toEqual([]);
});

test('the lock of a start that was killed holds nobody up', async () => {
  await using house = await openHouseOfEngines();
  await (await house.startPostgres()).stop();
  const dead = { pid: process.pid, startedAt: 'long ago', token: 'deadbeef' };
  await writeFile(join(house.home, 'engines.lock'), JSON.stringify(dead));
  const [one, other] = await Promise.all([house.startPostgres(), house.startPostgres()]);
  expect(one.databaseUrl).toBe(other.databaseUrl);
});

async function killEngines(house: Awaited<ReturnType<typeof openHouseOfEngines>>): Promise<void> {
  const { postgres, temporal } = await house.recorded();
  for (const engine of [postgres, temporal]) {
    if (!engine?.process) continue;
    await signalTo(engine.process, 'SIGKILL');
    expect(await hasEnded(engine.process, 10_000)).toBe(true);
  }
}
