import { Command, InvalidArgumentError, Option } from 'commander';
import { cpus, totalmem } from 'node:os';
import { measureBackfill } from './backfill.ts';
import { BenchHouse } from './house.ts';
import { measureMerge } from './merge.ts';
import { sayFigures, tableOf } from './report.ts';
import { measureSmallNight } from './small-night.ts';
import { measureTransactions } from './transactions.ts';
import { measurePeers, measureVolume, OURS, RIVAL } from './volume.ts';

interface BenchOptions {
  readonly rows: number;
  readonly rounds: number;
  readonly bad: number;
  readonly only: readonly Part[];
  readonly peers?: boolean;
  readonly transactions: number;
  readonly peerRows: number;
  readonly json?: boolean;
}

const PARTS = ['month', 'merge', 'transactions', 'small-night', 'backfill'] as const;
type Part = (typeof PARTS)[number];

const whole = (text: string): number => {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new InvalidArgumentError('It is a whole number above 0.');
};

await new Command('bench')
  .description('measures a night side by side with what a user would pick instead, all in one run')
  .option('--rows <n>', 'movements of a month, rows of a merge', whole, 5_000_000)
  .option('--rounds <n>', 'rounds; what is reported is their median', whole, 3)
  .option('--bad <percent>', 'damaged rows of the damaged files', whole, 5)
  .addOption(
    new Option('--only <part...>', 'so much of it')
      .choices(PARTS)
      .default(['month', 'merge', 'small-night', 'backfill']),
  )
  .option('--transactions <n>', 'transactions of the large day', whole, 22_294_503)
  .option('--peers', 'also pgloader, pandas + SQLAlchemy and dlt, where they are or can be installed')
  .option('--peer-rows <n>', 'movements of a month for the peers', whole, 1_000_000)
  .option('--json', 'one JSON document on stdout')
  .action(bench)
  .parseAsync();

async function bench({
  rows,
  rounds,
  bad,
  only,
  transactions,
  peers,
  peerRows,
  json,
}: BenchOptions): Promise<void> {
  const say = (line: string) => console.error(line);
  await using house = await BenchHouse.open();
  const take = async <T>(part: Part, measure: () => Promise<T>) =>
    only.includes(part) ? await measure() : undefined;
  const smallNight = await take('small-night', () => measureSmallNight(house));
  const backfill = await take('backfill', () => measureBackfill(house));
  const month = await take('month', () => measureVolume(house, { rows, rounds, badPercent: bad, say }));
  const merge = await take('merge', () => measureMerge(house, rows));
  const rivals = peers ? await measurePeers(house, { rows: peerRows, rounds, say }) : undefined;
  const day = await take('transactions', () => measureTransactions(house, transactions, say));
  const [cpu] = cpus();
  const machine = { cores: cpus().length, cpu: cpu?.model, memory: totalmem(), node: process.version };
  if (json) {
    const figures = { smallNight, backfill, month, merge, peers: rivals, transactions: day };
    console.log(
      JSON.stringify({ version: 1, machine, rows, rounds, badPercent: bad, peerRows, ...figures }, null, 2),
    );
    return;
  }
  if (smallNight) console.log(sayFigures('A night of 1,000 rows', smallNight));
  if (backfill) console.log(sayFigures('A year of flights by backfill', backfill));
  if (month) console.log(`\n${rows} rows, medians of ${rounds}:\n\n${tableOf(month, rows, RIVAL)}`);
  if (rivals) console.log(`\n${peerRows} rows, medians of ${rounds}:\n\n${tableOf(rivals, peerRows, OURS)}`);
  if (merge) console.log(sayFigures('A merge', merge));
  if (day) console.log(sayFigures('Transactions as one day', day));
}
