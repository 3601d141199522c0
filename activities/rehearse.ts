import { randomInt, randomUUID } from 'node:crypto';
import type { ReplayInput } from '../rules/attempt.ts';
import { addByRule, type Counts } from '../rules/counts.ts';
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
import type { StagedPart } from '../intake/manifest.ts';
import { epochsBefore } from '../warehouse/attempts.ts';
import { compareWithPublished, type Comparison } from '../warehouse/compare.ts';
import { buildKeys, copyInto, openDay } from '../warehouse/day-table.ts';
import { checkRows } from '../warehouse/row-checks.ts';
import type { Deps } from './deps.ts';
import { totalOf } from './fill-day.ts';

/** What loading a day would come to. */
export interface Rehearsal {
  readonly counts: Counts;
  readonly rejectedByRule: Readonly<Record<string, number>>;
  /** Why it would be refused, or undefined. */
  readonly refusal: NightTrainError | undefined;
  readonly comparison: Comparison;
}

type RehearsalDeps = Pick<Deps, 'warehouse' | 'inbox' | 'env'> & {
  /** What landed before, for `input` landing. */
  readonly landing: LandingStore;
  /** Where this rehearsal lands and stages; thrown away by the caller. */
  readonly scratch: LandingStore;
};

/** An epoch that no attempt ever has: the first is 1. */
const NO_EPOCH = 0;
const LAST_EPOCH = Number.MAX_SAFE_INTEGER;

/**
 * Loads a day up to the point of publishing, compares it with what readers see, and rolls back (R10, `--dry-run`):
 * takes no epoch, evicts and alerts nobody, keeps and publishes nothing.
 */
export async function rehearse(
  deps: RehearsalDeps,
  dataset: Dataset,
  day: DatasetDay,
  input: ReplayInput,
  { signal, progress }: Pick<IntakeContext, 'signal' | 'progress'>,
): Promise<Rehearsal> {
  const { warehouse, inbox, env, landing, scratch } = deps;
  const common = { inbox, env, signal, progress };
  const source = input === 'landing' ? landing : scratch;
  const landed =
    input === 'landing'
      ? await findLanded(landing, day, await epochsBefore(warehouse, day, LAST_EPOCH))
      : await extract(dataset, day, NO_EPOCH, { ...common, landing: scratch });
  const reader = { ...common, landing: readingFrom(source, scratch) };
  const parts: StagedPart[] = [];
  for (let part = 1; part <= landed.parts; part++) {
    parts.push(await stagePart(dataset, day, landed.manifest, part, NO_EPOCH, reader));
  }
  return rollBackAfter(warehouse, (tx) => judge(tx, dataset, day, parts, scratch));
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
  const table = await openDay(tx, identity, randomInt(1, 2 ** 31 - 1));
  const copied = await copyInto(tx, table, dataset, openStaged(scratch, parts), () => undefined);
  const checks = await checkRows(tx, table, dataset, await buildKeys(tx, table));
  const unfit = [
    ...checks.rejected.map(({ ordinal }) => ordinal),
    ...checks.deduplicated,
    ...checks.superseded,
  ];
  const comparison = await compareWithPublished(tx, table, dataset, day, unfit);
  const staged = totalOf(parts);
  const counts: Counts = {
    read: staged.read,
    loaded: copied.rows - unfit.length - comparison.stale,
    rejected: staged.rejected + checks.rejected.length,
    discarded: staged.discarded + checks.superseded.length + comparison.stale,
    deduplicated: checks.deduplicated.length,
  };
  const rejectedByRule = addByRule([
    staged.rejectedByRule,
    ...checks.rejected.map(({ rule }) => ({ [rule]: 1 })),
  ]);
  return { counts, rejectedByRule, refusal: refusalOf(dataset, day, counts), comparison };
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

/** Reads from one store, writes to another. */
function readingFrom(source: LandingStore, target: LandingStore): LandingStore {
  if (source === target) return target;
  return {
    write: (key, content, signal) => target.write(key, content, signal),
    read: (key) => source.read(key),
    readText: (key) => source.readText(key),
    list: (prefix) => target.list(prefix),
    remove: (prefix) => target.remove(prefix),
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
