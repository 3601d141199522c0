import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isZombie, loadSessions } from '../../warehouse/stale.ts';
import { openHouse, type House } from '../support/house.ts';
import { Command, type Answer } from '../support/installation.ts';
import type { WorkerProcess } from '../support/house-worker.ts';
import { matching, until } from '../support/intake.ts';
import { PASSWORD } from '../support/template.ts';
import { verify } from '../support/verify.ts';
import { EngineRoom } from './engine-room.ts';
import { DAYS, lastDay, thaw, WorstCase } from './worst-case.ts';

/** From the command to nominal, milliseconds. */
const LONGEST_WAY_TO_NOMINAL_MS = 30_000;

let engines: EngineRoom;
beforeAll(async () => {
  engines = await EngineRoom.open();
});
afterAll(() => engines[Symbol.asyncDispose]());

async function restartTemporal(): Promise<void> {
  await engines.strike('temporal');
  await engines.start();
}

/** Waits for the answer of a command that was typed just now. */
async function timed(command: Command): Promise<Answer & { readonly ms: number }> {
  const began = performance.now();
  const answer = await command.answer();
  return { ...answer, ms: Math.round(performance.now() - began) };
}

/** The command did what it was typed for, in time. */
function expectDone({ code, stdout, stderr, ms }: Answer & { ms: number }): void {
  const said = `exit code ${code} after ${ms} ms; it said:\n${stdout}${stderr}`;
  expect(code === 0 && ms < LONGEST_WAY_TO_NOMINAL_MS ? 'nominal in time' : said).toBe('nominal in time');
}

/** Two zombies, one frozen in COPY, two in doubt. */
async function expectWorst(house: House): Promise<void> {
  const sessions = await loadSessions(await house.open(house.loaderUrl, 'test looks'));
  const days = (zombies: boolean) =>
    sessions
      .filter((one) => isZombie(one) === zombies)
      .map(({ dataset, businessDate }) => `${dataset} ${businessDate}`)
      .toSorted();
  const { zombieInCopy, zombieAtCommit, frozenBeforeEpoch: _, ...others } = DAYS; // that one has no session yet
  expect(days(true)).toEqual([zombieInCopy, zombieAtCommit].map((day) => day.join(' ')));
  expect(days(false)).toEqual(
    Object.values(others)
      .map((day) => day.join(' '))
      .toSorted(),
  );
}

/** No session, no lock, no attempt without an outcome, no rule broken. */
async function troublesOf(house: House): Promise<unknown[]> {
  const open = await house.ask(
    `select dataset, business_date, epoch from nighttrain.attempt where state = 'running'`,
  );
  const locks = await house.ask(
    `select a.application_name, l.mode, l.relation::regclass::text
     from pg_locks l join pg_stat_activity a using (pid)
     where l.granted and a.datname = current_database() and l.pid <> pg_backend_pid()
       and l.relation in (select oid from pg_class where relnamespace = 'warehouse'::regnamespace)`,
  );
  return [...(await house.loadSessions()), ...open, ...locks, ...(await verify(house.database))];
}

/** What readers see of every day that was in trouble: which of the two files, if any. */
async function publishedMarks(house: House): Promise<Record<string, unknown>> {
  const [row] = await house.ask<{ seen: Record<string, unknown> }>(
    `select jsonb_build_object(
       'fares', (select jsonb_object_agg(business_date, mark) from (
          select business_date, string_agg(distinct amount::text, ',') as mark from warehouse.fare group by 1) f),
       'tickets', (select jsonb_object_agg(business_date, mark) from (
          select business_date, string_agg(distinct state, ',') as mark from warehouse.ticket group by 1) t),
       'clients', (select string_agg(distinct city, ',') from warehouse.client)) as seen`,
  );
  return row?.seen ?? {};
}

async function statesOf(house: House, [dataset, date]: readonly [string, string]): Promise<unknown[]> {
  return (await house.attempts(dataset, date)).map(({ state }) => state);
}

/** The frozen wake up, what was held arrives, and nothing of it gets in; who asked is told so. */
async function wakeThem(worst: WorstCase): Promise<void> {
  const { house } = worst;
  const before = await publishedMarks(house);
  const batches = await house.ask('select * from nighttrain.load_batch order by load_id');
  expect(await worst.wake()).toEqual({
    zombieInCopy: 'Closed',
    zombieAtCommit: 'Closed',
    frozenInCopy: 'Closed',
    frozenBeforeEpoch: 'CommandComplete', // it was told that it has no right to one
    inDoubtBefore: 'Closed',
    inDoubtAfter: 'CommandComplete', // it had committed
  });
  const stepsOver = ({ lines }: WorkerProcess) => lines.filter((line) => line.includes('step failed')).length;
  await until(() => worst.frozen.every(({ worker, loads }) => stepsOver(worker) >= loads), 30_000);
  expect(await publishedMarks(house)).toEqual(before);
  expect(await house.ask('select * from nighttrain.load_batch order by load_id')).toEqual(batches);
  expect(await troublesOf(house)).toEqual([]);
}

test(
  'a cold reboot goes from the worst case to nominal in one command, where one worker has lived through it',
  { timeout: 240_000 },
  async () => {
    await using house = await openHouse();
    await using worst = await WorstCase.make(house);
    await expectWorst(house);
    thaw(worst.lastWorker);
    await restartTemporal();
    expectDone(await timed(worst.type('cold-reboot', '--replay-last')));

    expect(await troublesOf(house)).toEqual([]);
    expect(await publishedMarks(house)).toEqual({
      fares: { [lastDay()]: '2' },
      tickets: { [lastDay()]: 'state 2' },
      clients: 'city 1',
    });
    expect(await statesOf(house, DAYS.inDoubtAfter)).toEqual(['loaded']); // as the ledger says
    await wakeThem(worst);
  },
);

test(
  'where no worker is left, a cold reboot makes everything quiet, and replays the last day once a worker comes',
  { timeout: 240_000 },
  async () => {
    await using house = await openHouse();
    await using worst = await WorstCase.make(house);
    await expectWorst(house);
    await worst.lastWorker.worker.end('SIGKILL'); // its COMMIT is on the wire
    await restartTemporal();
    expectDone(await timed(worst.type('cold-reboot')));

    expect(await troublesOf(house)).toEqual([]);
    expect(await publishedMarks(house)).toEqual({ fares: null, tickets: null, clients: 'city 1' });
    const { inDoubtAfter, ...others } = DAYS;
    expect(await statesOf(house, inDoubtAfter)).toEqual(['loaded']); // as the ledger says
    for (const day of Object.values(others)) expect(await statesOf(house, day)).toEqual(['failed']);

    const alone = await timed(worst.type('cold-reboot', '--replay-last'));
    expect(alone).toMatchObject({ code: 1, stdout: matching(/^Quiet: 0 loads cancelled, 0 terminated/) });
    expect(alone.stderr).toMatch(/No worker polls .* waited for, up to 30 s\. Start one/);
    expect(alone.stderr).toMatch(
      /No worker came; .* nothing was replayed\. Once one is up: npx nighttrain cold/,
    );
    const [rebooted] = await Promise.all([
      timed(worst.type('cold-reboot', '--replay-last')),
      worst.startWorker(), // as a supervisor does
    ]);
    expectDone(rebooted);
    expect(await publishedMarks(house)).toEqual({
      fares: { [lastDay()]: '2' },
      tickets: { [lastDay()]: 'state 2' },
      clients: 'city 1',
    });
    await wakeThem(worst);
  },
);

test(
  'a cold reboot that is typed while an engine is down, or silent, says so within seconds',
  { timeout: 120_000 },
  async () => {
    await using house = await openHouse();
    await using silent = await listenInSilence();
    const url = new URL(engines.databaseUrl);
    Object.assign(url, { pathname: house.name, username: 'nighttrain_loader', password: PASSWORD });
    const type = async (variables: NodeJS.ProcessEnv = {}) => {
      const env = {
        ...process.env,
        NIGHTTRAIN_HOME: house.folder,
        NIGHTTRAIN_DATABASE_URL: url.href,
        TEMPORAL_ADDRESS: engines.temporalAddress,
        TEMPORAL_NAMESPACE: house.name,
        ...variables,
      };
      const { ms, ...answer } = await timed(new Command(['cold-reboot'], env));
      expect(ms).toBeLessThan(20_000);
      return answer;
    };
    const saying = (engine: string) => ({
      code: 1,
      stdout: '',
      stderr: matching(
        new RegExp(
          `^${engine}; the cold reboot needs both engines, and has stopped nothing\\n(?![^]*\\n +at )[^]*Bring it back, ` +
            'then type the command again: npx nighttrain cold-reboot\\n$',
        ),
      ),
    });
    const refusesUs = saying('PostgreSQL at \\S+ does not let nighttrain_loader in');
    const isMute = saying('Temporal does not answer at \\S+');

    await engines.strike('postgres');
    expect(await type()).toMatchObject(refusesUs);
    await engines.start();
    await engines.strike('temporal');
    expect(await type()).toMatchObject(isMute);
    await engines.start();

    house.wire.goDark();
    expect(await type({ NIGHTTRAIN_DATABASE_URL: house.loaderUrl })).toMatchObject(refusesUs);
    house.wire.mend();
    expect(await type({ TEMPORAL_ADDRESS: silent.address })).toMatchObject(isMute);
    expect(await type()).toMatchObject({ code: 0, stdout: matching(/^Quiet/) }); // both are back
  },
);

/** Takes every connection and never answers. */
async function listenInSilence(): Promise<AsyncDisposable & { readonly address: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
