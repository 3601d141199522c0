import { resolve } from 'node:path';
import { Argument, InvalidArgumentError, type Command } from 'commander';
import {
  datesOfSet,
  generate,
  MOST_DRIFT,
  MOST_PARTS,
  MOST_ROWS,
  SET_NAMES,
  type Generated,
  type SetName,
  type Written,
} from '../local/generators/generate.ts';
import type { BusinessDate } from '../rules/business-date.ts';
import { UsageError } from '../rules/errors.ts';
import { count, plural, size, some } from './figures.ts';
import { dateNamed } from './installation.ts';
import { Output } from './output.ts';
import { ProgressLine } from './progress-line.ts';
import { rangeNamed } from './ranges.ts';
import { StopRequest } from './signals.ts';

interface Options {
  readonly rows: number;
  readonly seed: string;
  readonly out: string;
  readonly parts: number;
  readonly gzip?: boolean;
  readonly bad: number;
  readonly drift: number;
  readonly from: BusinessDate;
  readonly to?: BusinessDate;
  readonly json?: boolean;
}

export function addGenerate(program: Command): void {
  program
    .command('generate')
    .addArgument(new Argument('<set>', 'what the files are about').choices(SET_NAMES))
    .description('writes files of any size for an inbox: the same seed, the same bytes')
    .requiredOption(
      '--rows <n>',
      'movements of each month, or transactions of each day',
      numberTo(MOST_ROWS, 1),
    )
    .requiredOption('--seed <text>', 'another seed is another company')
    .requiredOption('--out <folder>', 'an inbox: files are written to <folder>/<dataset>/')
    .option('--parts <n>', 'files of a business date', numberTo(MOST_PARTS, 1), 1)
    .option('--gzip', 'pack them')
    .option('--bad <percent>', 'rows that are damaged, in every way in turn', percentNamed, 0)
    .option(
      '--drift <n>',
      'accounts of each day whose balances do not agree (bank)',
      numberTo(MOST_DRIFT, 0),
      0,
    )
    .option('--from <date>', 'the first business date', dateNamed, dateNamed('2025-01-01'))
    .option('--to <date>', 'the last business date; by default the first', dateNamed)
    .option('--json', 'one JSON document on stdout: every file, and what a night will make of it')
    .action(writeSet);
}

function numberTo(most: number, least: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,10}$/.test(text) ? Number(text) : -1;
    if (number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${count(most)}.`);
  };
}

function percentNamed(text: string): number {
  const percent = /^\d{1,3}(\.\d{1,6})?$/.test(text) ? Number(text) : 101;
  if (percent <= 100) return percent;
  throw new InvalidArgumentError('It must be a number from 0 to 100.');
}

async function writeSet(set: SetName, options: Options): Promise<void> {
  const output = new Output(options.json ?? false);
  const { rows, seed, parts, gzip = false, bad, drift, from, to = from } = options;
  rangeNamed(from, to);
  if (drift > 0 && set !== 'bank') {
    throw new UsageError(`--drift is about a bank's balances; the set ${set} has none`, {
      hint: 'npx nighttrain generate bank --help',
    });
  }
  const dates = datesOfSet(set, from, to);
  const out = resolve(options.out);
  using stop = StopRequest.listen();
  using line = new ProgressLine();
  const begun = performance.now();
  const secondsSoFar = () => Math.max((performance.now() - begun) / 1000, 0.001);
  const pace = ({ rows }: Pick<Written, 'rows'>) =>
    `${plural(rows, 'row')}, ${count(Math.round(rows / secondsSoFar()))} a second`;
  const generated = await generate(
    { set, rows, seed, out, dates, parts, gzip, badPercent: bad, drift },
    stop.signal,
    (written) => line.show(`${written.file}: ${pace(written)}`),
  );
  const seconds = secondsSoFar();
  const whole = totalsOf(generated);
  line.end(`${plural(generated.files.length, 'file')} in ${out}: ${pace(whole)}, ${size(whole.bytes)}`);
  say(generated, output);
  output.document({ set, seed, out, ...whole, seconds, ...generated });
}

function totalsOf({ files }: Generated): { readonly rows: number; readonly bytes: number } {
  return {
    rows: files.reduce((sum, { rows }) => sum + rows, 0),
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

function say({ days, drifted }: Generated, output: Output): void {
  for (const { dataset, businessDate, rows, damaged, kinds, rejectedByRule, deduplicated } of days) {
    output.line(`${dataset} of ${businessDate}: ${plural(rows, 'row')}, ${count(damaged)} damaged`);
    if (damaged === 0) continue;
    output.line(`  damage: ${listed(kinds)}`);
    output.line(`  a night will reject: ${listed(rejectedByRule)}; and deduplicate ${count(deduplicated)}`);
  }
  for (const [date, accounts] of Object.entries(drifted))
    output.line(`On ${date} these balances do not agree: ${some(accounts.map(String))}`);
}

const listed = (numbers: Readonly<Record<string, number>>): string =>
  Object.entries(numbers)
    .map(([name, number]) => `${count(number)} ${name}`)
    .join(', ');
