import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sampleDataFolder, writeSampleInbox } from '../local/sample-inbox.ts';
import { parseBusinessDate, type BusinessDate } from '../rules/business-date.ts';
import type { BenchHouse } from './house.ts';

/** The snowstorm of the real February: most flights were cancelled, so that these nights are refused. */
const REFUSED = new Set(['8', '9']);

/** The real flights, ready for other dates. */
export interface FlightSample {
  readonly header: string;
  /** The records of each real day that loads, without the year, month and day before and the instant behind them. */
  readonly days: readonly (readonly string[])[];
}

export async function readFlightSample(): Promise<FlightSample> {
  const whole = await readFile(join(sampleDataFolder(), 'flights-2013-02.csv'), 'latin1');
  const [header = '', ...lines] = whole.trimEnd().split('\n');
  const days = new Map<string, string[]>();
  for (const line of lines) {
    const [, , day = '', ...rest] = line.split(',');
    if (REFUSED.has(day)) continue;
    const records = days.get(day) ?? [];
    records.push(rest.slice(0, -1).join(','));
    days.set(day, records);
  }
  return { header, days: [...days.values()] };
}

/** Loads the airlines and airports that the flights' audits look at. */
export async function loadLookups(house: BenchHouse): Promise<void> {
  await writeSampleInbox(house.inbox, { flights: [] });
  const [businessDate] = datesFrom('2013-02-01', 1) as [BusinessDate];
  for (const dataset of ['airlines', 'airports']) await house.load({ dataset, businessDate });
}

/** Puts records into the inbox as the flights of a date. */
export async function putFlights(
  { inbox }: BenchHouse,
  date: BusinessDate,
  { header }: FlightSample,
  records: readonly string[],
): Promise<void> {
  const [year, month, day] = date.split('-').map(Number);
  const lines = records.map((record) => `${year},${month},${day},${record},${date}T10:00:00Z`);
  await mkdir(join(inbox, 'flights'), { recursive: true });
  await writeFile(join(inbox, 'flights', `${date}.csv`), `${[header, ...lines].join('\n')}\n`);
}

/** So many dates from one on. */
export function datesFrom(first: string, days: number): BusinessDate[] {
  return Array.from({ length: days }, (_, index) => {
    const instant = new Date(Date.parse(first) + index * 86_400_000);
    const date = parseBusinessDate(instant.toISOString().slice(0, 10));
    if (!date) throw new Error(`${first} is no date`);
    return date;
  });
}
