import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PeakMemory } from '../../bench/memory.ts';
import { InsuranceMonth } from '../support/insurance.ts';
import { openInstallation, type TestInstallation } from '../support/installation.ts';

const MIB = 1024 * 1024;
const ROWS = 10_000_000;
/** The generator, the night and the export of what it rejected, on a machine that is busy with other tests. */
const PATIENCE_MS = 30 * 60_000;

test(
  'R2, R5, R14: of ten million rows that are all bad a third is read, and the night refused, the worker below 512 MiB; the first 100,000 are in quarantine, all that were read in landing',
  async () => {
    await using here = await openInstallation();
    await here.up();
    const month = await InsuranceMonth.generate(here, '2025-01-01', ROWS, 100);
    const memory = new PeakMemory({ worker: here.workerPid, server: await serverPid(here), others: [] });
    const begun = performance.now();
    const refused = await month.run();
    const seconds = (performance.now() - begun) / 1000;
    const { worker, server } = await memory.end();
    const mib = (bytes: number) => `${(bytes / MIB).toFixed(0)} MiB`;
    process.stderr.write(
      `ten million bad rows: ${seconds.toFixed(1)} s, worker ${mib(worker)}, PostgreSQL ${mib(server)}\n`,
    );
    const [attempt = {}] = await month.attempts();
    const { read, rejected } = attempt['counts'] as { read: number; rejected: number };
    expect(attempt).toMatchObject({ state: 'refused', counts: { read: rejected } });
    expect(rejected).toBeGreaterThan(0.3 * ROWS); // until then all others could have been sound
    expect(rejected).toBeLessThan(0.32 * ROWS);
    const figures = `${rejected} of the first ${read} rows are rejected (100.0 %)`;
    expect(refused).toMatchObject({
      state: 'refused',
      error: { name: 'Refused', message: `insurance-movements of ${month.date} is refused: ${figures}` },
    });
    expect(worker).toBeLessThan(512 * MIB);
    expect(await month.leftovers()).toEqual([]);
    expect(await month.alerts()).toEqual(['reject-limit-exceeded']);
    expect(await month.quarantined()).toBe(100_000);

    const file = join(here.home, 'rejected.jsonl');
    const lines = ['--format', 'jsonl', '--output', file];
    expect(
      await here.run(['quarantine', 'export', 'insurance-movements', month.date, ...lines]),
    ).toMatchObject({
      code: 0,
      stderr: `${rejected.toLocaleString('en-US')} rejected rows written to ${file}\n`,
    });
    await rm(file);
  },
  PATIENCE_MS,
);

async function serverPid(here: TestInstallation): Promise<number> {
  const [server] = await here.ask<{ pid: number }>(
    `select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int as pid`,
  );
  return server?.pid ?? 0;
}
