import { readFile, writeFile, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startEngines, findEngines } from '../../local/engines.ts';
import { openHome } from '../../local/home.ts';
import { ConfigurationError } from '../../rules/errors.ts';
import { openHouseOfEngines } from '../support/house-of-engines.ts';

describe('a home', () => {
  test('of another version is refused by every command, with the two versions and what to do', async () => {
    await using house = await openHouseOfEngines();
    await mkdir(house.home);
    await writeFile(join(house.home, 'home.json'), '{"version":7}');
    const refusal = {
      name: 'ConfigurationError',
      message: expect.stringMatching(/version 7.*version 1/) as string,
    };
    await expect(house.startPostgres()).rejects.toMatchObject(refusal);
    await expect(house.find()).rejects.toMatchObject(refusal);
    await expect(house.find()).rejects.toHaveProperty('hint', expect.stringContaining('NIGHTTRAIN_HOME'));
    await writeFile(join(house.home, 'home.json'), '{"version":1}'); // so that the house can be taken down
  });

  test('whose home.json is cut short is refused, not made anew over what is there', async () => {
    await using house = await openHouseOfEngines();
    await mkdir(house.home);
    await writeFile(join(house.home, 'home.json'), '{"vers');
    await expect(house.startPostgres()).rejects.toThrow(/cannot be read/);
    await writeFile(join(house.home, 'home.json'), '{"version":1}');
  });

  test.each(['/proc/nighttrain', '/dev/null/home'])(
    'that cannot be written (%s) is refused',
    async (home) => {
      const start = startEngines(home, { postgres: true, temporal: false, env: process.env, say: () => {} });
      await expect(start).rejects.toBeInstanceOf(ConfigurationError);
      await expect(start).rejects.toThrow(
        `The home ${home} is not open to this user for reading and writing`,
      );
      expect(await findEngines(home)).toEqual({});
    },
  );

  test('keeps the password of its database from other users', async () => {
    await using house = await openHouseOfEngines();
    const { databaseUrl } = await house.startPostgres();
    const file = join(house.home, 'postgres-password');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const { password } = new URL(databaseUrl);
    expect((await readFile(file, 'utf8')).trim()).toBe(password);
    expect(await house.processes()).not.toContainEqual(expect.stringContaining(password));
    expect(JSON.stringify([await house.recorded(), house.said])).not.toContain(password);
  });

  test('that has lost its password is refused with the name of the file', async () => {
    await using house = await openHouseOfEngines();
    await (await house.startPostgres()).stop();
    await writeFile(join(house.home, 'postgres-password'), '');
    await expect(house.startPostgres()).rejects.toMatchObject({
      name: 'ConfigurationError',
      detail: join(house.home, 'postgres-password'),
    });
  });

  test('is opened again as it was', async () => {
    await using house = await openHouseOfEngines();
    expect(await openHome(house.home)).toEqual({ version: 1 });
    expect(await openHome(house.home)).toEqual({ version: 1 });
  });
});

test('an engine that does not start says why, and nothing of the start is left', async () => {
  await using house = await openHouseOfEngines();
  const start = startEngines(house.home, {
    postgres: true,
    temporal: true,
    env: process.env,
    say: () => {},
    postgresSettings: { shared_buffers: 'plenty' },
  });
  await expect(start).rejects.toMatchObject({
    name: 'EngineFailed',
    message: expect.stringContaining('PostgreSQL ended while it started') as string,
    detail: expect.stringContaining('invalid value for parameter "shared_buffers": "plenty"') as string,
    hint: expect.stringContaining('NIGHTTRAIN_DATABASE_URL') as string,
  });
  await expect.poll(() => house.processes()).toEqual([]);
});
