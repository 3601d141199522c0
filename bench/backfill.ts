import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { datesFrom, loadLookups, putFlights, readFlightSample } from './flights.ts';
import type { BenchHouse } from './house.ts';

/** How fast a range of flights is loaded. */
export interface BackfillFigures {
  readonly days: number;
  /** Of the command as a whole, from its start to its summary. */
  readonly seconds: number;
  readonly daysPerSecond: number;
}

/**
 * Loads days of some 900 flights each by `nighttrain backfill`, as an operator would.
 * @param range by default one year; none of its days may be loaded yet
 */
export async function measureBackfill(
  house: BenchHouse,
  { from = '2013-01-01', days = 365 }: { readonly from?: string; readonly days?: number } = {},
): Promise<BackfillFigures> {
  await loadLookups(house);
  const sample = await readFlightSample();
  const dates = datesFrom(from, days);
  for (const [index, date] of dates.entries()) {
    await putFlights(house, date, sample, sample.days[index % sample.days.length] ?? []);
  }
  const begun = performance.now();
  const { loaded } = await backfill(from, dates.at(-1) ?? from);
  const seconds = (performance.now() - begun) / 1_000;
  if (loaded !== days) throw new Error(`${loaded} of ${days} days were loaded`);
  return { days, seconds, daysPerSecond: days / seconds };
}

/** The installation is the one that this process's environment names. */
async function backfill(from: string, to: string): Promise<{ loaded: number }> {
  const line = ['backfill', 'flights', '--from', from, '--to', to, '--json'];
  const command = spawn(process.execPath, [resolve('bin/nighttrain.js'), ...line], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(await text(command.stdout)) as { loaded: number };
}
