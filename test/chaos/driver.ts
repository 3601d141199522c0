/**
 * Strikes nights until one breaks: `npm run chaos -- --runs N [--seed S] [--fault NAME] [--sabotage R…] [--json]`.
 * Run i has the seed S + i, and `--runs 1 --seed <that>` strikes the same night in the same way again. Exit code 1 where
 * a rule was broken; under a sabotage that is what must happen, and 1 says that nothing noticed.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { AIM_AT, choose, type Aim, type Choice } from './choice.ts';
import { EngineRoom } from './engine-room.ts';
import { strikeNight, type Outcome } from './night-under-fire.ts';
import { figuresOf, lineOf } from './report.ts';
import { REPERTOIRE } from './repertoire.ts';
import { SABOTAGES, type Sabotage } from './sabotage.ts';
import { Scene } from './scene.ts';

interface Options {
  readonly runs: number;
  readonly seed: number;
  readonly fault?: string;
  readonly each: boolean;
  readonly sabotage?: Sabotage;
  readonly aimed: boolean;
  readonly lanes: number;
  readonly json: boolean;
}

/** A scene grows slower with every day that verify reads. */
const DAYS_A_SCENE = 40;

const wholeNumber = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Write a whole number.');
  return Number(text);
};

const program = new Command('chaos')
  .option('--runs <n>', 'nights to strike', wholeNumber, 25)
  .option('--seed <n>', 'of the first night', wholeNumber, Date.now() % 1_000_000)
  .option('--fault <name>', 'this fault alone')
  .option('--each', 'every fault in turn', false)
  .addOption(new Option('--sabotage <rule>', 'with one mechanism taken away').choices(SABOTAGES))
  .option('--aimed', 'with --sabotage: by the fault that must show it', false)
  .option('--lanes <n>', 'nights under fire at once', wholeNumber, 2)
  .option('--json', 'one JSON document on stdout', false);
const options = program.parse().opts<Options>();

/** A night takes two minutes at the very most; one that hangs is said, and the others go on. */
const LONGEST_NIGHT_MS = 240_000;

const outcomes: Outcome[] = [];
const startedAt = performance.now();
const engines = await EngineRoom.open();
const say = (line: string) => void process.stderr.write(`${line}\n`);
try {
  await strikeAll(choicesOf(options));
} finally {
  await engines[Symbol.asyncDispose]();
}
const seconds = Math.round((performance.now() - startedAt) / 1000);
const figures = figuresOf(outcomes);
const broken = figures.flatMap(({ fault, violations }) => violations.map((one) => ({ fault, ...one })));
const { runs, seed, sabotage } = options;
if (options.json) {
  const document = {
    version: 1,
    runs: outcomes.length,
    of: runs,
    seed,
    sabotage,
    seconds,
    faults: figures,
    violations: broken,
  };
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
} else {
  for (const { fault, runs, struck, replays, recoveryMs } of figures) {
    say(
      `${fault}: struck ${struck} of ${runs}, replayed ${replays}, recovered in ${recoveryMs.median} ms (max ${recoveryMs.max})`,
    );
  }
  say(`${outcomes.length} nights in ${seconds} s from seed ${seed}: ${broken.length} violations`);
}
const exitCode = sabotage === undefined ? Number(broken.length > 0) : Number(broken.length === 0);
// Exited by itself, Node 20 was once seen to turn for ever in its clean-up of handles, after all was said.
process.stdout.write('', () => process.exit(exitCode));

function choicesOf({ runs, seed, fault, each, sabotage, aimed }: Options): Choice[] {
  const aim: Aim = sabotage && aimed ? AIM_AT[sabotage] : { fault };
  return Array.from({ length: runs }, (_, index) =>
    choose(seed + index, each ? { fault: REPERTOIRE[index % REPERTOIRE.length]?.name } : aim),
  );
}

/** Several lanes, a scene each; a night that takes an engine down has the engines for itself. */
async function strikeAll(choices: readonly Choice[]): Promise<void> {
  const shared = choices.filter(({ fault }) => !fault.isExclusive).values();
  await Promise.all(Array.from({ length: options.lanes }, () => strikeInLane(shared)));
  await strikeInLane(choices.filter(({ fault }) => fault.isExclusive).values());
}

/** Under a sabotage one violation is enough. */
function isDone(): boolean {
  return options.sabotage !== undefined && outcomes.some(({ violations }) => violations.length > 0);
}

async function strikeInLane(choices: Iterable<Choice>): Promise<void> {
  let scene: Scene | undefined;
  try {
    for (const choice of choices) {
      if (isDone()) return;
      scene ??= await Scene.open(engines, options.sabotage);
      const outcome = await bounded(strikeNight(scene, choice)).catch((error: unknown) =>
        brokenOff(choice, error),
      );
      outcomes.push(outcome);
      say(lineOf(outcome));
      if (outcome.violations.length === 0 && scene.days < DAYS_A_SCENE) continue;
      await close(scene); // what is broken stays broken: the next night gets a house of its own
      scene = undefined;
    }
  } finally {
    if (scene) await close(scene);
  }
}

async function bounded(night: Promise<Outcome>): Promise<Outcome> {
  const stop = new AbortController();
  const late = pause(LONGEST_NIGHT_MS, undefined, { signal: stop.signal }).then(() => {
    throw new Error('it hangs');
  });
  return Promise.race([night, late]).finally(() => stop.abort());
}

/** A house under fire may be in no order at its end; that was said before. */
async function close(scene: Scene): Promise<void> {
  await scene[Symbol.asyncDispose]().catch((error: unknown) => say(`  ${String(error)}`));
}

/** A night that the driver itself could not bring to its end counts as broken. */
function brokenOff({ seed, fault, moment, dataset }: Choice, error: unknown): Outcome {
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    seed,
    fault: fault.name,
    moment: moment ?? 'before the night',
    dataset,
    hasStruck: false,
    choice: '',
    replays: 0,
    recoveryMs: 0,
    violations: [`the night could not be brought to its end: ${what}`],
  };
}
