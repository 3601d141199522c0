/**
 * Causes every incident for real and follows its runbook by machine: `npm run gameday [-- --only NAME…]`. Exit code 1
 * where a Verification passed while its incident lasted, or a runbook did not put it right.
 */
import { Command } from 'commander';
import { EngineRoom } from '../chaos/engine-room.ts';
import type { Incident } from './incident.ts';
import { INCIDENTS } from './incidents.ts';
import { play, type Played } from './play.ts';
import { Stage } from './stage.ts';

const program = new Command('gameday')
  .option('--only <name...>', 'these runbooks alone')
  .option('--lanes <n>', 'incidents at once', Number, 2);
const { only, lanes } = program.parse().opts<{ only?: string[]; lanes: number }>();
const wanted = INCIDENTS.filter(({ runbook }) => only === undefined || only.includes(runbook));

/** More alerts within minutes would be a storm: one page for all of them. */
const INCIDENTS_A_STAGE = 5;

const say = (line: string) => void process.stderr.write(`${line}\n`);
const startedAt = performance.now();
const played: Played[] = [];
await using engines = await EngineRoom.open();
const shared = wanted.filter(({ isExclusive }) => !isExclusive).values();
await Promise.all(Array.from({ length: lanes }, () => playInLane(shared)));
await playInLane(wanted.filter(({ isExclusive }) => isExclusive).values());
print();
process.exitCode = played.every(({ faults }) => faults.length === 0) && played.length > 0 ? 0 : 1;

async function playInLane(incidents: Iterator<Incident> & Iterable<Incident>): Promise<void> {
  let stage: Stage | undefined;
  let onStage = 0;
  try {
    for (;;) {
      const next = incidents.next();
      if (next.done) return;
      stage ??= await Stage.open(engines);
      const one = await playOne(stage, next.value);
      played.push(one);
      say(lineOf(one));
      onStage += 1;
      if (one.faults.length === 0 && onStage < INCIDENTS_A_STAGE) continue;
      const done = stage;
      stage = undefined; // whatever comes of its end, it has only one
      onStage = 0;
      await done[Symbol.asyncDispose]();
    }
  } finally {
    await stage?.[Symbol.asyncDispose]();
  }
}

async function playOne(stage: Stage, incident: Incident): Promise<Played> {
  const date = `2024-03-${String(INCIDENTS.indexOf(incident) + 1).padStart(2, '0')}`;
  try {
    return await play(stage, incident, date);
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const { runbook } = incident;
    return {
      runbook,
      pageMs: undefined,
      commands: 0,
      recoverMs: 0,
      faults: [`it could not be played: ${what}`],
    };
  }
}

function lineOf({ runbook, pageMs, commands, recoverMs, faults }: Played): string {
  const verdict = faults.length > 0 ? `FAILED\n  ${faults.join('\n  ')}` : 'passed';
  const cells = [
    runbook.padEnd(24),
    seconds(pageMs),
    String(commands).padStart(10),
    seconds(recoverMs),
    verdict,
  ];
  return cells.join('  ');
}

function seconds(ms: number | undefined): string {
  return (ms === undefined ? '-' : `${(ms / 1000).toFixed(1)} s`).padStart(14);
}

function print(): void {
  const head = [
    'incident'.padEnd(24),
    'time to page'.padStart(14),
    'commands'.padStart(10),
    'to recover'.padStart(14),
  ];
  process.stdout.write(`\n${head.join('  ')}\n`);
  const order = INCIDENTS.map(({ runbook }) => runbook);
  for (const one of played.sort((a, b) => order.indexOf(a.runbook) - order.indexOf(b.runbook)))
    process.stdout.write(`${lineOf(one)}\n`);
  const broken = played.filter(({ faults }) => faults.length > 0).length;
  const passed = played.length - broken;
  const took = Math.round((performance.now() - startedAt) / 1000);
  process.stdout.write(
    `\n${passed} of ${played.length} incidents were put right by their runbooks, in ${took} s\n`,
  );
}
