import { setTimeout as pause } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { endingOf, type Ending } from '../support/ending.ts';
import { verify } from '../support/verify.ts';
import type { Choice } from './choice.ts';
import { countsOf, dayUnderFire, isRefused, NOTHING_SEEN, type Day, type Version } from './day.ts';
import type { Night } from './fault.ts';
import type { Arrival, Moment, Scene } from './scene.ts';
import { Watch } from './watch.ts';

/** What became of a night under fire. */
export interface Outcome {
  readonly seed: number;
  readonly fault: string;
  readonly moment: Moment | 'before the night';
  readonly dataset: string;
  /** The night came to the moment. */
  readonly hasStruck: boolean;
  /** What the fault had a choice in. */
  readonly choice: string;
  /** How often an operator had to replay the day. */
  readonly replays: number;
  /** From the end of the fault to a day that is loaded, milliseconds. */
  readonly recoveryMs: number;
  readonly violations: readonly string[];
}

const LONGEST_WAY_TO_MOMENT_MS = 15_000;
/** So long a night may try to recover by itself before an operator replays it. */
const PATIENCE_MS = 15_000;
const LONGEST_REPLAY_MS = 40_000;
const MOST_REPLAYS = 3;

/** Runs a night, strikes it, heals what was struck, waits until its day is settled, and holds it to the rules. */
export async function strikeNight(scene: Scene, choice: Choice): Promise<Outcome> {
  const { seed, fault, moment, before, wanted, later, chance } = choice;
  const day = dayUnderFire(scene.house, choice.dataset, scene.days, fault.date?.(scene.days));
  scene.days += 1;
  const night: Night = { day, before, wanted, later, chance };
  if (before) await loadBefore(scene, day, before);
  const { shows } = fault;
  const logged = scene.listen();
  const watch = new Watch(scene.house.readerUrl, day.look);
  let struck: Struck;
  let settled: Settled;
  try {
    await day.put(wanted);
    await fault.prepare?.(scene, night);
    struck = await strike(scene, choice, night);
    settled = await settle(scene, night, struck.end);
  } finally {
    await watch[Symbol.asyncDispose]();
    await calm(scene);
  }
  const violations = [...settled.violations, ...(await unwholeLooks(scene, night, watch))];
  return {
    seed,
    fault: fault.name,
    moment: moment ?? 'before the night',
    dataset: choice.dataset,
    hasStruck: struck.hasStruck && (!shows || logged().some((line) => shows.test(line))),
    choice: struck.choice,
    replays: settled.replays,
    recoveryMs: Math.round(settled.at - struck.healedAt),
    violations,
  };
}

async function loadBefore({ house }: Scene, day: Day, before: Version): Promise<void> {
  await day.put(before);
  const ending = await house.run(day.dataset, day.date);
  if (ending.state !== 'loaded')
    throw new Error(`the version before was not loaded: ${JSON.stringify(ending)}`);
}

interface Struck {
  /** Of the night that was struck. */
  readonly end: Promise<Ending>;
  readonly hasStruck: boolean;
  readonly choice: string;
  readonly healedAt: number;
}

async function strike(scene: Scene, { fault, moment }: Choice, night: Night): Promise<Struck> {
  const { house } = scene;
  const { dataset, date } = night.day;
  const begin = () =>
    fault.begin?.(scene, night) ?? house.start(dataset, date, night.before ? 'replay' : 'run');
  let choice: string | void = '';
  let hasStruck = true;
  let handle: WorkflowHandle;
  let end: Promise<Ending>;
  if (moment === undefined) {
    choice = await fault.strike?.(scene, night, { held: undefined });
    handle = await begin();
    end = scene.outlive(endingOf(handle));
  } else {
    const arrival = scene.arrive(moment);
    handle = await begin();
    end = scene.outlive(endingOf(handle));
    const arrived = await firstOf(arrival, end, LONGEST_WAY_TO_MOMENT_MS);
    hasStruck = arrived !== undefined;
    if (arrived) choice = await fault.strike?.(scene, night, arrived);
    else arrival.then(({ held }) => held?.release()).catch(() => undefined); // it came too late
  }
  await fault.heal?.(scene, night);
  if (scene.worker.hasEnded) {
    scene.callStandby();
    await scene.goOn(); // what supervises workers starts another one
  }
  return { end, hasStruck, choice: choice ?? '', healedAt: performance.now() };
}

/** The arrival, or undefined where the night was over before or the time was. */
async function firstOf(
  arrival: Promise<Arrival>,
  end: Promise<unknown>,
  ms: number,
): Promise<Arrival | undefined> {
  const over = end.then(() => undefined).catch(() => undefined);
  return Promise.race([arrival.catch(() => undefined), over.then(() => pause(200)), pause(ms)]).then(
    (arrived) => arrived ?? undefined,
  );
}

interface Settled {
  readonly at: number;
  readonly replays: number;
  readonly violations: readonly string[];
}

/** Waits until the day is loaded; where the night does not do it by itself, an operator replays it. */
async function settle(scene: Scene, night: Night, end: Promise<Ending>): Promise<Settled> {
  const { house } = scene;
  const { day, wanted, later } = night;
  let ending = await within(end, PATIENCE_MS);
  for (let replays = 0; ; replays++) {
    const said = ending ? JSON.stringify(ending) : 'it is still under way';
    const violations = ending ? await judge(scene, night, ending) : [];
    if (violations.length > 0) return { at: performance.now(), replays, violations };
    if (ending && (await isSettled(scene, night))) return { at: performance.now(), replays, violations: [] };
    if (replays === MOST_REPLAYS) {
      const seen = await look(scene, day);
      return {
        at: performance.now(),
        replays,
        violations: [`the day is not settled: ${said}; readers see ${seen}`],
      };
    }
    if (isRefused(wanted)) await day.put(later);
    ending = await within(
      scene
        .outlive(house.replay(day.dataset, day.date, { takeOver: true }))
        .catch((error: unknown) => failed(error)),
      LONGEST_REPLAY_MS,
    );
  }
}

/** What of the rules does not hold, once nothing of the day runs any more. */
async function judge(scene: Scene, { day, wanted }: Night, ending: Ending): Promise<string[]> {
  await untilQuiet(scene, day);
  const violations = await verify(scene.house.database);
  if (isRefused(wanted) && ending.state === 'loaded' && (await look(scene, day)) === day.seenAs(wanted)) {
    violations.push('R2, R3: a night was loaded that had to be refused');
  }
  return violations;
}

/** Whether readers see a version that was wanted, and the ledger has its counts (R4). */
async function isSettled(scene: Scene, { day, wanted, later }: Night): Promise<boolean> {
  const seen = await look(scene, day);
  const version = [wanted, later].find((one) => !isRefused(one) && day.seenAs(one) === seen);
  if (!version) return false;
  const [batch] = await scene.house.ask(
    `select rows_read as read, rows_loaded as loaded, rows_rejected as rejected, rows_discarded as discarded,
       rows_deduplicated as deduplicated
     from nighttrain.published_day join nighttrain.load_batch b using (load_id)
     where b.dataset = $1 and b.business_date = $2`,
    [day.dataset, day.date],
  );
  return JSON.stringify(batch) === JSON.stringify(countsOf(version));
}

/** What was seen of the day that is no whole version of it (R1). */
async function unwholeLooks({ house }: Scene, night: Night, watch: Watch): Promise<string[]> {
  const { day, before, wanted, later } = night;
  const batches = await house.ask<{ loaded: number }>(
    'select rows_loaded as loaded from nighttrain.load_batch where dataset = $1 and business_date = $2',
    [day.dataset, day.date],
  );
  const whole = new Set(before ? [] : [NOTHING_SEEN]);
  for (const version of [before, wanted, later]) {
    for (const { loaded } of batches) if (version) whole.add(day.seenAs({ ...version, good: loaded }));
  }
  return [...watch.seen].filter((seen) => !whole.has(seen)).map((seen) => `R1: a reader saw ${seen}`);
}

async function look({ house }: Scene, day: Day): Promise<string> {
  const [row] = await house.ask<{ seen: string }>(day.look.sql, [...day.look.values]);
  return row?.seen ?? '';
}

/** Waits until no run of the day is under way, no request of it is open and no session is left; verify says if not. */
async function untilQuiet({ house }: Scene, day: Day): Promise<void> {
  for (const end = performance.now() + 12_000; performance.now() < end; await pause(30)) {
    const { status } = await house.load(day.dataset, day.date).describe();
    if (status.name === 'RUNNING') continue;
    const open = await house.ask(
      `select from nighttrain.request where state = 'accepted'
       union all select from pg_stat_activity where datname = current_database() and application_name like 'nt:%'`,
    );
    if (open.length === 0) return;
  }
}

/** Takes back whatever the fault has left switched on. */
async function calm(scene: Scene): Promise<void> {
  scene.mend();
  scene.tell({ order: 'eviction', isOn: true });
  scene.tell({ order: 'disk', isFull: false });
  scene.tell({ order: 'clock', ms: 0 });
  await fetch(`${scene.house.freightUrl}/control`, { method: 'DELETE' });
  await scene.endOthers();
}

/** The result, or undefined where it takes too long. */
async function within<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  work.catch(() => undefined); // late failures are of no interest
  const stop = new AbortController();
  const late = pause(ms, undefined, { signal: stop.signal }).catch(() => undefined);
  return Promise.race([work, late]).finally(() => stop.abort());
}

function failed(error: unknown): Ending {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { state: 'failed', error: { name, message } };
}
