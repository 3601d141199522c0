import type { BusinessDate } from '../rules/business-date.ts';
import { copyFile, emptied, hasPsql, makeRivals } from './copy.ts';
import type { BenchHouse } from './house.ts';
import { INSURANCE, monthOf, writeMonth } from './months.ts';
import { PeakMemory } from './memory.ts';
import { Peers } from './peers.ts';
import { measureRounds, timed, type Measured, type Taken, type Way } from './rounds.ts';

export interface VolumeOptions {
  readonly rows: number;
  readonly rounds: number;
  readonly say: (line: string) => void;
}

/** The way that all others are compared with. */
export const RIVAL = '`\\copy` of the clean file into the same constrained table';
export const OURS = 'Night Train, clean file: validated, keyed, audited, committed';

/** A month of insurance movements in one file: ours end to end, clean and damaged, against `\copy` of the clean one. */
export async function measureVolume(
  house: BenchHouse,
  { rows, rounds, badPercent, say }: VolumeOptions & { readonly badPercent: number },
): Promise<Measured[]> {
  const { databaseUrl } = house;
  await makeRivals(databaseUrl);
  const byPsql = await hasPsql();
  if (!byPsql) say('psql is not on PATH: its COPY is sent by pg-copy-streams from the raw bytes');
  const prepare = async (round: number): Promise<Way[]> => {
    const [cleanDate, badDate] = [monthOf(2001, round), monthOf(2011, round)];
    const clean = await writeMonth(house.inbox, cleanDate, rows, 0);
    await writeMonth(house.inbox, badDate, rows, badPercent);
    const copy = (table: string) => () =>
      emptied(databaseUrl, table, () => timed(() => copyFile(databaseUrl, table, clean, byPsql)));
    return [
      { name: OURS, take: () => loadMonth(house, cleanDate) },
      { name: RIVAL, take: copy('bench.constrained') },
      { name: '`\\copy` of the clean file into a table without any index', take: copy('bench.bare') },
      {
        name: `Night Train, ${badPercent} % bad rows: the same, and quarantined`,
        take: () => loadMonth(house, badDate),
      },
    ];
  };
  return await measureRounds(house, rounds, prepare, say);
}

/** The same month by ours and by every peer that this machine has or can install. */
export async function measurePeers(
  house: BenchHouse,
  { rows, rounds, say }: VolumeOptions,
): Promise<Measured[]> {
  await using peers = await Peers.find(say);
  const prepare = async (round: number): Promise<Way[]> => {
    const date = monthOf(2021, round);
    const file = await writeMonth(house.inbox, date, rows, 0);
    const ways = peers.found.map(({ name, table, load }) => ({
      name,
      take: () => emptied(house.databaseUrl, table, () => timed(() => load(house.databaseUrl, file))),
    }));
    return [{ name: OURS, take: () => loadMonth(house, date) }, ...ways];
  };
  return await measureRounds(house, rounds, prepare, say);
}

async function loadMonth(house: BenchHouse, businessDate: BusinessDate): Promise<Taken> {
  const peak = new PeakMemory(house.pids);
  const { ms } = await house.load({ dataset: INSURANCE, businessDate });
  return { ms, memory: await peak.end() };
}
