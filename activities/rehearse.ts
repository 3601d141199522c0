import { randomInt, randomUUID } from 'node:crypto';
import type { ReplayInput } from '../rules/attempt.ts';
import type { Counts } from '../rules/counts.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { planOf, type Dataset } from '../rules/dataset.ts';
import { NightTrainError } from '../rules/errors.ts';
import { refuseIfBad } from '../rules/refusal.ts';
import type { IntakeContext } from '../intake/context.ts';
import { extract } from '../intake/extract.ts';
import { findLanded } from '../intake/find-landed.ts';
import type { LandingStore } from '../intake/landing.ts';
import { stagePart } from '../intake/stage.ts';
import { openStaged } from '../intake/staged-rows.ts';
import { landingPrefix, type Landed, type StagedPart } from '../intake/manifest.ts';
import type { ReleasedCount } from '../rules/release.ts';
import { epochsBefore } from '../warehouse/attempts.ts';
import { compareWithPublished, type Comparison } from '../warehouse/compare.ts';
import { copyInto, openDay } from '../warehouse/day-table.ts';
import { sizeForLoad } from '../warehouse/load-memory.ts';
import { staleRows } from '../warehouse/merge.ts';
import { checkRows, unfitOf } from '../warehouse/row-checks.ts';
import type { Deps } from './deps.ts';
import { talliedOf, type Tallied } from './fill-day.ts';
import { countWays } from './keep-released.ts';
import { landRelease, type ReleaseInput } from './land-release.ts';

/** What loading a day would come to. */
export interface Rehearsal extends Tallied {
  /** Why it would be refused, or undefined. */
  readonly refusal: NightTrainError | undefined;
  readonly comparison: Comparison;
  /** What would become of the rows of a release; none where nothing is released. */
  readonly released: readonly ReleasedCount[];
}

type RehearsalDeps = Pick<Deps, 'warehouse' | 'inbox' | 'env'> & {
  /** What landed before, for `input` landing. */
  readonly landing: LandingStore;
  /** Where this rehearsal lands and stages; thrown away by the caller. */
  readonly scratch: LandingStore;
};

/** An epoch that no attempt ever has: the first is 1. */
export const NO_EPOCH = 0;
const LAST_EPOCH = Number.MAX_SAFE_INTEGER;

/**
 * Loads a day up to the point of publishing, compares it with what readers see, and rolls back (R10, `--dry-run`):
 * takes no epoch, evicts and alerts nobody, keeps and publishes nothing.
 * @param input where it comes from, or the release that it would carry out, whose corrected file is in `scratch`
 */
export async function rehearse(
  deps: RehearsalDeps,
  dataset: Dataset,
  day: DatasetDay,
  input: ReplayInput | ReleaseInput,
  { signal, progress }: Pick<IntakeContext, 'signal' | 'progress'>,
): Promise<Rehearsal> {
  const { warehouse, inbox, env, scratch } = deps;
  const context = { inbox, env, signal, progress, landing: overlay(deps.landing, scratch, day) };
  const landed = await landedOf(warehouse, dataset, day, input, context);
  const parts: StagedPart[] = [];
  for (let part = 1; part <= landed.parts; part++) {
    parts.push(await stagePart(dataset, day, landed.manifest, part, NO_EPOCH, context));
  }
  return rollBackAfter(warehouse, (tx) => judge(tx, dataset, day, parts, scratch));
}

async function landedOf(
  warehouse: RehearsalDeps['warehouse'],
  dataset: Dataset,
  day: DatasetDay,
  input: ReplayInput | ReleaseInput,
  context: IntakeContext,
): Promise<Landed> {
  if (input === 'source') return extract(dataset, day, NO_EPOCH, context);
  if (input === 'landing')
    return findLanded(context.landing, day, await epochsBefore(warehouse, day, LAST_EPOCH));
  return landRelease(warehouse, dataset, input, NO_EPOCH, context);
}

async function judge(
  tx: Parameters<typeof openDay>[0],
  dataset: Dataset,
  day: DatasetDay,
  parts: readonly StagedPart[],
  scratch: LandingStore,
): Promise<Rehearsal> {
  const { dataset: name, businessDate } = day;
  const identity = { dataset: name, businessDate, epoch: NO_EPOCH, loadId: randomUUID() };
  // Of a name of its own: two rehearsals of one day would wait for each other's table.
  await sizeForLoad(tx);
  const table = await openDay(tx, identity, randomInt(1, 2 ** 31 - 1));
  const copied = await copyInto(tx, table, dataset, openStaged(scratch, parts));
  const checks = await checkRows(tx, table, dataset);
  const unfit = unfitOf(checks);
  const comparison = await compareWithPublished(tx, table, dataset, day, unfit);
  const { stale } = comparison;
  const tallied = talliedOf(parts, checks, copied.rows - unfit.size - stale, stale);
  const released = await countWays(scratch, parts, { ...checks, stale: await staleRows(tx, table, dataset) });
  return { ...tallied, refusal: refusalOf(dataset, day, tallied.counts), comparison, released };
}

function refusalOf(dataset: Dataset, day: DatasetDay, counts: Counts): NightTrainError | undefined {
  try {
    refuseIfBad(day, planOf(dataset), counts);
    return undefined;
  } catch (error) {
    if (error instanceof NightTrainError) return error;
    throw error;
  }
}

/** Writes to the scratch store alone, and reads there what is of this rehearsal. */
function overlay(landing: LandingStore, scratch: LandingStore, day: DatasetDay): LandingStore {
  const own = `${landingPrefix(day, NO_EPOCH)}/`;
  const storeOf = (key: string) => (key.startsWith(own) ? scratch : landing);
  return {
    write: (key, content, signal) => scratch.write(key, content, signal),
    read: (key) => storeOf(key).read(key),
    lend: (key) => storeOf(key).lend(key),
    readText: (key) => storeOf(key).readText(key),
    list: (prefix) => storeOf(prefix).list(prefix),
    remove: (prefix) => scratch.remove(prefix),
  };
}

class RolledBack extends Error {}

/** Runs `work` in a transaction that never commits. */
async function rollBackAfter<T>(
  warehouse: Deps['warehouse'],
  work: (tx: Parameters<typeof openDay>[0]) => Promise<T>,
): Promise<T> {
  let result: { readonly value: T } | undefined;
  try {
    await warehouse.transaction(async (tx) => {
      result = { value: await work(tx) };
      throw new RolledBack();
    });
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
  }
  if (!result) throw new Error('a rehearsal without an end');
  return result.value;
}
