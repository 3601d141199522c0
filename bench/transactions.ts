import { datesOfSet, generate } from '../local/generators/generate.ts';
import type { BusinessDate } from '../rules/business-date.ts';
import type { BenchHouse } from './house.ts';
import { PeakMemory } from './memory.ts';
import { median } from './report.ts';

/** A very large day against days of a million rows, on the same bank. */
export interface TransactionsFigures {
  readonly rows: number;
  readonly seconds: number;
  /** Of the worker with its children, and of PostgreSQL with its; MiB. */
  readonly workerMiB: number;
  readonly serverMiB: number;
  /** Microseconds a row: of the large day, and of a day of a million (the median of three). */
  readonly microsecondsARow: number;
  readonly microsecondsARowOfAMillion: number;
}

const SMALL_ROWS = 1_000_000;
const SMALL_DAYS = 3;

/** Loads a day's transactions in one transaction, after days of a million. */
export async function measureTransactions(
  house: BenchHouse,
  rows: number,
  say: (line: string) => void,
): Promise<TransactionsFigures> {
  const small: number[] = [];
  for (let day = 1; day <= SMALL_DAYS; day++) {
    const { ms } = await loadBank(house, `2024-01-0${day}` as BusinessDate, SMALL_ROWS);
    say(`${SMALL_ROWS} transactions: ${(ms / 1000).toFixed(1)} s`);
    small.push(ms);
  }
  const { ms, memory } = await loadBank(house, '2024-01-09' as BusinessDate, rows);
  say(`${rows} transactions: ${(ms / 1000).toFixed(1)} s`);
  return {
    rows,
    seconds: ms / 1000,
    workerMiB: Math.round(memory.worker / 1024 / 1024),
    serverMiB: Math.round(memory.server / 1024 / 1024),
    microsecondsARow: (ms * 1000) / rows,
    microsecondsARowOfAMillion: (median(small) * 1000) / SMALL_ROWS,
  };
}

/** Loads the bank's customers and accounts of a date, and then, timed, its transactions. */
async function loadBank(house: BenchHouse, businessDate: BusinessDate, rows: number) {
  await generate(
    {
      set: 'bank',
      out: house.inbox,
      rows,
      dates: datesOfSet('bank', businessDate, businessDate),
      badPercent: 0,
      parts: 1,
      gzip: false,
      seed: 'bench',
      drift: 0,
    },
    new AbortController().signal,
    () => undefined,
  );
  for (const dataset of ['bank-customers', 'bank-accounts']) await house.load({ dataset, businessDate });
  await house.settle();
  const peak = new PeakMemory(house.pids);
  const { ms } = await house.load({ dataset: 'bank-transactions', businessDate });
  return { ms, memory: await peak.end() };
}
