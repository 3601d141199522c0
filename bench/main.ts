import { Command, InvalidArgumentError } from 'commander';
import { cpus, totalmem } from 'node:os';
import { BenchHouse } from './house.ts';
import { tableOf } from './report.ts';
import { measurePeers, measureVolume, OURS, RIVAL } from './volume.ts';

interface BenchOptions {
  readonly rows: number;
  readonly rounds: number;
  readonly bad: number;
  readonly peers?: boolean;
  readonly peerRows: number;
  readonly json?: boolean;
}

const whole = (text: string): number => {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new InvalidArgumentError('It is a whole number above 0.');
};

await new Command('bench')
  .description('measures a night side by side with what a user would pick instead, all in one run')
  .option('--rows <n>', 'movements of a month', whole, 5_000_000)
  .option('--rounds <n>', 'rounds; what is reported is their median', whole, 3)
  .option('--bad <percent>', 'damaged rows of the damaged files', whole, 5)
  .option('--peers', 'also pgloader, pandas + SQLAlchemy and dlt, where they are or can be installed')
  .option('--peer-rows <n>', 'movements of a month for the peers', whole, 1_000_000)
  .option('--json', 'one JSON document on stdout')
  .action(bench)
  .parseAsync();

async function bench({ rows, rounds, bad, peers, peerRows, json }: BenchOptions): Promise<void> {
  const say = (line: string) => console.error(line);
  await using house = await BenchHouse.open();
  const volume = await measureVolume(house, { rows, rounds, badPercent: bad, say });
  const rivals = peers ? await measurePeers(house, { rows: peerRows, rounds, say }) : undefined;
  const [cpu] = cpus();
  const machine = { cores: cpus().length, cpu: cpu?.model, memory: totalmem(), node: process.version };
  if (json) {
    const document = { version: 1, machine, rows, rounds, badPercent: bad, volume, peerRows, peers: rivals };
    console.log(JSON.stringify(document, null, 2));
    return;
  }
  console.log(`${rows} rows, medians of ${rounds}:\n\n${tableOf(volume, rows, RIVAL)}`);
  if (rivals) console.log(`\n${peerRows} rows, medians of ${rounds}:\n\n${tableOf(rivals, peerRows, OURS)}`);
}
