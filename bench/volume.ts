import { rm } from 'node:fs/promises';
import { datesOfSet, generate } from '../local/generators/generate.ts';
import type { BusinessDate } from '../rules/business-date.ts';
import { hasPsql, makeRivals, timeCopy } from './copy.ts';
import type { BenchHouse } from './house.ts';
import { PeakMemory, type Held } from './memory.ts';

export const INSURANCE = 'insurance-movements';

/** One way to load the same month: seconds of every round, and the most memory that any of them took. */
export interface Measured {
  readonly way: Way;
  readonly seconds: readonly number[];
  readonly memory: Held | undefined;
}

/** Ours, with a clean file and with a damaged one; and `\copy` of the clean file into two kinds of table. */
export type Way = 'clean' | 'bad' | 'constrained' | 'bare';
const WAYS: readonly Way[] = ['clean', 'constrained', 'bare', 'bad'];

export interface VolumeOptions {
  readonly rows: number;
  readonly rounds: number;
  readonly badPercent: number;
  readonly say: (line: string) => void;
}

interface Timed {
  readonly ms: number;
  readonly memory?: Held;
}

/**
 * A month of insurance movements in one file: ours end to end against `\copy` of the same file, every way once a
 * round, so that the machine's moods strike all of them.
 */
export async function measureVolume(house: BenchHouse, options: VolumeOptions): Promise<Measured[]> {
  const { rows, rounds, badPercent, say } = options;
  await makeRivals(house.databaseUrl);
  const byPsql = await hasPsql();
  if (!byPsql) say('psql is not on PATH: its COPY is sent by pg-copy-streams from the raw bytes');
  const timed: Record<Way, Timed[]> = { clean: [], bad: [], constrained: [], bare: [] };
  for (let round = 1; round <= rounds; round++) {
    const cleanDate = monthOf(2001, round);
    const clean = await writeMonth(house, cleanDate, rows, 0);
    const badDate = monthOf(2011, round);
    const bad = await writeMonth(house, badDate, rows, badPercent);
    const take: Record<Way, () => Promise<Timed>> = {
      clean: () => loadMonth(house, cleanDate),
      constrained: async () => ({ ms: await timeCopy(house.databaseUrl, 'constrained', clean, byPsql) }),
      bare: async () => ({ ms: await timeCopy(house.databaseUrl, 'bare', clean, byPsql) }),
      bad: () => loadMonth(house, badDate),
    };
    for (const way of WAYS) {
      await house.settle();
      const one = await take[way]();
      timed[way].push(one);
      say(`round ${round}, ${way}: ${(one.ms / 1000).toFixed(2)} s`);
    }
    await Promise.all([rm(clean), rm(bad)]);
  }
  return WAYS.map((way) => ({
    way,
    seconds: timed[way].map(({ ms }) => ms / 1000),
    memory: mostOf(timed[way].flatMap(({ memory }) => memory ?? [])),
  }));
}

async function loadMonth(house: BenchHouse, businessDate: BusinessDate): Promise<Timed> {
  const peak = new PeakMemory(house.pids);
  const { ms } = await house.load({ dataset: INSURANCE, businessDate });
  return { ms, memory: await peak.end() };
}

function mostOf(all: readonly Held[]): Held | undefined {
  if (all.length === 0) return undefined;
  return {
    worker: Math.max(...all.map(({ worker }) => worker)),
    server: Math.max(...all.map(({ server }) => server)),
  };
}

/** The first day of a year's month, counted on from January. */
function monthOf(year: number, month: number): BusinessDate {
  const years = year + Math.floor((month - 1) / 12);
  return `${years}-${String(((month - 1) % 12) + 1).padStart(2, '0')}-01` as BusinessDate;
}

/** Makes a month's file in the inbox; answers its path. */
async function writeMonth(
  { inbox }: BenchHouse,
  date: BusinessDate,
  rows: number,
  badPercent: number,
): Promise<string> {
  const dates = datesOfSet('insurance', date, date);
  const how = { parts: 1, gzip: false, seed: 'bench', drift: 0 };
  const { files } = await generate(
    { set: 'insurance', out: inbox, rows, dates, badPercent, ...how },
    new AbortController().signal,
    () => undefined,
  );
  const [file] = files;
  if (!file) throw new Error(`Nothing was generated for ${date}`);
  return file.file;
}
