import { expect, test } from 'vitest';
import { receiptOf } from '../support/ending.ts';
import { openHouse } from '../support/house.ts';

const ROWS = 1_000_000;
const MB = 1_000_000;

test('a merge of a million rows of which one in a hundred changed writes about what changed', async () => {
  await using house = await openHouse();
  await house.startWorkerProcess();
  const merge = async (day: string, city: (id: number) => string) => {
    const rows = Array.from({ length: ROWS }, (_, id) => `${id},Client number ${id},${city(id)}`);
    await house.put('clients', `${day}.csv`, ['id,name,city', ...rows]);
    const [before] = await house.ask<{ lsn: string }>('select pg_current_wal_lsn() as lsn');
    const begun = performance.now();
    const { counts } = receiptOf(await house.run('clients', day));
    const seconds = (performance.now() - begun) / 1000;
    const [wal] = await house.ask<{ bytes: string }>(
      'select pg_wal_lsn_diff(pg_current_wal_lsn(), $1) as bytes',
      [before?.lsn],
    );
    const megabytes = Number(wal?.bytes) / MB;
    process.stderr.write(
      `${counts.loaded} rows: ${seconds.toFixed(1)} s, ${megabytes.toFixed(1)} MB of WAL\n`,
    );
    return { counts, seconds, megabytes };
  };
  const first = await merge('2024-09-01', () => 'Douala');
  const second = await merge('2024-09-02', (id) => (id % 100 === 0 ? 'Kribi' : 'Douala'));
  expect(second.counts).toMatchObject({ loaded: ROWS, discarded: 0, rejected: 0 });
  expect(await house.ask(`select count(*) as rows from warehouse_history.client`)).toEqual([
    { rows: ROWS / 100 },
  ]);
  expect(second.megabytes).toBeLessThan(first.megabytes / 20);
  expect(second.seconds).toBeLessThan(first.seconds);
});
