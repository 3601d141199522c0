import { expect, test } from 'vitest';
import { openHouseOfEngines } from '../support/house-of-engines.ts';
import { Command } from '../support/installation.ts';
import { until } from '../support/intake.ts';

/** Seven commands and five starts of engines, on a machine that may be busy with other tests. */
const PATIENCE_MS = 240_000;

test(
  'up starts once in a home, survives its own death, and ends the engines when it is asked to stop',
  async () => {
    await using house = await openHouseOfEngines();
    const env = { ...process.env, NIGHTTRAIN_HOME: house.home, LOG_LEVEL: 'warn' };
    const first = await upIn(env);
    const engines = await house.find();

    const second = await new Command(['up'], env).answer();
    expect(second.stderr).toContain(`Night Train is up in ${house.home} already, as process ${first.pid}`);
    expect(second.code).toBe(2);

    first.kill('SIGKILL');
    await first.answer();
    const next = await upIn(env);
    expect(await house.find(), 'the engines of the first').toEqual(engines);

    const look = await new Command(['doctor'], env).answer();
    expect(look.stdout).toContain('0 failed');
    expect(look.code).toBe(0);

    next.kill('SIGTERM');
    const ended = await next.answer();
    expect(ended.stderr).toContain('Draining');
    expect(ended.code).toBe(0);
    expect(await house.find(), 'no engine is left').toEqual({});

    const without = await new Command(['doctor'], env).answer();
    expect(without.stdout).toMatch(
      /fail +PostgreSQL +none is configured[^→]*→ Start it in another terminal: npx nighttrain up/,
    );
    expect(without.code).toBe(1);
  },
  PATIENCE_MS,
);

test(
  'a stop while up is still starting leaves no engine, and is told by exit code 130',
  async () => {
    await using house = await openHouseOfEngines();
    const up = new Command(['up'], { ...process.env, NIGHTTRAIN_HOME: house.home });
    await until(async () => (await house.recorded()).postgres !== undefined, 120_000);
    up.kill('SIGINT');
    expect((await up.answer()).code).toBe(130);
    expect(await house.processes()).toEqual([]);
  },
  PATIENCE_MS,
);

test(
  'up whose Temporal has died says so, drains and ends with exit code 1, while somebody asks whether it is ready',
  async () => {
    await using house = await openHouseOfEngines();
    const up = await upIn({ ...process.env, NIGHTTRAIN_HOME: house.home, LOG_LEVEL: 'fatal' });
    const ready = /Health +(\S+\/readyz)/.exec(up.stdout)?.[1] ?? '';
    const asking = setInterval(() => void fetch(ready).catch(() => undefined), 200); // a port that is closed by now
    try {
      process.kill((await house.recorded()).temporal?.process?.pid ?? 0, 'SIGKILL');
      const { code, stderr } = await up.answer();
      expect(stderr).toContain('Temporal under');
      expect(stderr).toContain('Draining');
      expect(stderr).not.toContain('Channel has been shut down');
      expect(stderr).not.toMatch(/^ +at /m);
      expect(code).toBe(1);
      expect(await house.processes(), 'nothing is left').toEqual([]);
    } finally {
      clearInterval(asking);
    }
  },
  PATIENCE_MS,
);

async function upIn(env: NodeJS.ProcessEnv): Promise<Command> {
  const up = new Command(['up'], env);
  await until(() => up.stdout.includes('Night Train is up') || up.hasEnded, 120_000);
  if (up.hasEnded) throw new Error(`up ended: ${up.stderr}`);
  return up;
}
