import { expect, inject, test } from 'vitest';
import { checkLoadSettings } from '../../cli/doctor/load-settings.ts';
import { sizeForLoad } from '../../warehouse/load-memory.ts';
import { openWarehouse } from '../../warehouse/data-source.ts';

/** A session of the test's server with other settings. */
async function sessionWith(settings: Readonly<Record<string, string>>) {
  const url = new URL(inject('databaseUrl'));
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  if (options.length > 0) url.searchParams.set('options', options.join(' '));
  const session = await openWarehouse(url.href, { poolSize: 1 });
  return Object.assign(session, { [Symbol.asyncDispose]: () => session.destroy() });
}

test('doctor finds nothing slow in the embedded server, and names what is slow elsewhere', async () => {
  await using embedded = await sessionWith({});
  expect(await checkLoadSettings(embedded)).toMatchObject({ level: 'ok' });
  await using other = await sessionWith({ max_parallel_maintenance_workers: '0', wal_compression: 'pglz' });
  const finding = await checkLoadSettings(other);
  expect(finding).toMatchObject({ level: 'warn' });
  expect(finding.found.split('\n')).toEqual([
    expect.stringContaining('keys are built by one process'),
    expect.stringContaining('wal_compression is pglz'),
  ]);
});

test('a load takes a quarter of what the server has for buffers, and never less than it was granted', async () => {
  const grantedIn = async (maintenance: string) => {
    await using session = await sessionWith({ maintenance_work_mem: maintenance });
    return await session.transaction(async (tx) => {
      await sizeForLoad(tx);
      const [row] = await tx.query<{ memory: string }[]>(
        `select current_setting('maintenance_work_mem') as memory`,
      );
      return row?.memory;
    });
  };
  expect(await grantedIn('16MB')).toBe('64MB'); // of 256 MB
  expect(await grantedIn('300MB')).toBe('300MB');
});
