import { Command, InvalidArgumentError } from 'commander';
import { cpus, totalmem } from 'node:os';
import { BenchHouse } from './house.ts';
import { tableOf } from './report.ts';
import { measureVolume } from './volume.ts';

interface BenchOptions {
  readonly rows: number;
  readonly rounds: number;
  readonly bad: number;
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
  .option('--json', 'one JSON document on stdout')
  .action(bench)
  .parseAsync();

async function bench({ rows, rounds, bad, json }: BenchOptions): Promise<void> {
  const say = (line: string) => console.error(line);
  await using house = await BenchHouse.open();
  const volume = await measureVolume(house, { rows, rounds, badPercent: bad, say });
  const machine = {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? '',
    memory: totalmem(),
    node: process.version,
  };
  if (json)
    console.log(JSON.stringify({ version: 1, machine, rows, rounds, badPercent: bad, volume }, null, 2));
  else console.log(tableOf(volume, rows));
}
