import type { EntityManager } from 'typeorm';
import type { Attempt } from '../rules/attempt.ts';
import { addByRule, type Counts } from '../rules/counts.ts';
import type { Dataset } from '../rules/dataset.ts';
import { WarehouseRejected } from '../rules/errors.ts';
import type { Ordinals } from '../rules/ordinals.ts';
import { refuseIfBad } from '../rules/refusal.ts';
import { jsonLines, readJsonLines } from '../intake/json-lines.ts';
import { locateStaged } from '../intake/locate.ts';
import {
  loadRejectsKey,
  type Landed,
  type RejectedRecord,
  type SortedPart,
  type StagedPart,
} from '../intake/manifest.ts';
import { atPace, type Pace } from '../intake/pace.ts';
import { recordTally } from '../warehouse/attempts.ts';
import {
  buildKeys,
  copyInto,
  openDay,
  type Copied,
  type LoadIdentity,
  type OpenedTable,
} from '../warehouse/day-table.ts';
import { computeDelta, staleRows } from '../warehouse/merge.ts';
import { keepRejected } from '../warehouse/quarantine.ts';
import {
  checkRows,
  rejectedByRule,
  rejectedOf,
  rejectionOf,
  unfitOf,
  type RowChecks,
} from '../warehouse/row-checks.ts';
import { sizeForLoad } from '../warehouse/load-memory.ts';
import type { DayRows } from './day-rows.ts';
import type { Deps } from './deps.ts';
import { keepReleased } from './keep-released.ts';
import type { StepContext } from './step.ts';

/** One load attempt: what is loaded, under which identity, with what. */
export interface LoadJob extends Deps {
  readonly step: StepContext;
  readonly dataset: Dataset;
  readonly attempt: Attempt;
  readonly identity: LoadIdentity;
  readonly landed: Landed;
  readonly rows: DayRows;
  /** A release's rows, which are followed; otherwise none. */
  readonly followed: readonly StagedPart[];
}

/** What a night has come to. */
export interface Tallied {
  readonly counts: Counts;
  /** How often each rule struck, in the intake and in SQL. */
  readonly rejectedByRule: Readonly<Record<string, number>>;
}

/** The day's table as it will be published. */
export interface Filled extends Tallied {
  readonly table: OpenedTable;
  readonly contentSha256: string;
}

/**
 * Copies the day's rows into a new table and builds its keys. Where SQL finds rows that must not be published, they go
 * to quarantine and, unless they refuse the night, the stream is copied again without them: nothing is ever deleted from
 * a frozen table (§5).
 */
export async function fillDay(tx: EntityManager, job: LoadJob): Promise<Filled> {
  const { dataset, identity } = job;
  const isPassed = job.rows.parts === undefined;
  await sizeForLoad(tx);
  let opened = 0;
  const fillNext = async (without?: Ordinals) => {
    const table = await openDay(tx, identity, ++opened);
    return { table, copied: await copyRows(tx, job, table, without) };
  };
  let first = await fillNext();
  if (!job.rows.parts) first = await fillNext();
  if (isPassed) await judgeIntake(job);
  const checks = await checkRows(tx, first.table, dataset);
  await followUnfit(tx, job, first.table, checks);
  const unfit = unfitOf(checks);
  if (unfit.size === 0) return settle(tx, job, first, checks);
  await quarantineUnfit(job, checks);
  await judgeNight(job, talliedOf(partsOf(job), checks, first.copied.rows - unfit.size));
  const second = await fillNext(unfit);
  if (!(await buildKeys(tx, second.table))) {
    throw new WarehouseRejected(`Rows of ${dataset.name} share a key even after their copies were left out`);
  }
  return settle(tx, job, second, checks);
}

/** Keeps a night's counts on a connection that no rollback touches. @throws Refused, EmptySource by them (R2, R3) */
export async function judgeNight(
  { warehouse, attempt }: Pick<LoadJob, 'warehouse' | 'attempt'>,
  { counts, rejectedByRule: byRule }: Tallied,
): Promise<void> {
  await recordTally(warehouse, attempt, { ...counts, rejectedByRule: byRule });
  refuseIfBad(attempt, attempt.plan, counts);
}

/** Keeps what the intake counted, on a connection that no rollback touches. @throws Refused, EmptySource by it (R2, R3) */
export async function judgeIntake({ warehouse, attempt, landed, rows }: IntakeJob): Promise<void> {
  await rows.kept();
  const { deduplicated: _, ...staged } = totalOf(rows.parts ?? []); // not known before the warehouse has judged, too
  await recordTally(warehouse, attempt, { ...staged, manifest: landed.manifest });
  refuseIfBad(attempt, attempt.plan, staged, rows.unread);
}

type IntakeJob = Pick<LoadJob, 'warehouse' | 'attempt' | 'landed' | 'rows'>;

/** What the parts say of the night so far. */
export function totalOf(parts: readonly SortedPart[]) {
  const sum = (count: (part: SortedPart) => number) => parts.reduce((total, part) => total + count(part), 0);
  return {
    read: sum(({ read }) => read),
    rejected: sum(({ rejected }) => rejected),
    discarded: sum(({ discarded }) => discarded),
    deduplicated: sum(({ deduplicated = 0 }) => deduplicated),
    rejectedByRule: addByRule(parts.map(({ rejectedByRule }) => rejectedByRule)),
    warnings: [...new Set(parts.flatMap(({ warnings }) => warnings))],
  };
}

function copyRows(
  tx: EntityManager,
  { rows, dataset, step }: LoadJob,
  table: OpenedTable,
  without?: Ordinals,
): Promise<Copied> {
  return atPace(step, (pace) => copyInto(tx, table, dataset, rows.stream(pace, without)));
}

/** @throws where rows have not passed yet */
function partsOf({ rows: { parts } }: Pick<LoadJob, 'rows'>): readonly SortedPart[] {
  if (!parts) throw new Error('Nobody knows yet what the intake has made of the day');
  return parts;
}

async function settle(
  tx: EntityManager,
  job: LoadJob,
  { table, copied }: { readonly table: OpenedTable; readonly copied: Copied },
  checks: RowChecks,
): Promise<Filled> {
  const delta = job.dataset.write === 'merge' ? await computeDelta(tx, table) : undefined;
  const loaded = delta ? delta.inserted + delta.updated + delta.unchanged : copied.rows;
  return { table, contentSha256: copied.sha256, ...talliedOf(partsOf(job), checks, loaded, delta?.stale) };
}

/** The night's counts by what the intake and SQL have found. @param stale rows that a merge discards */
export function talliedOf(
  parts: readonly SortedPart[],
  checks: RowChecks,
  loaded: number,
  stale = 0,
): Tallied {
  const staged = totalOf(parts);
  const bySql = rejectedByRule(checks);
  return {
    counts: {
      read: staged.read,
      loaded,
      rejected: staged.rejected + Object.values(bySql).reduce((sum, rows) => sum + rows, 0),
      discarded: staged.discarded + checks.superseded.size + stale,
      deduplicated: staged.deduplicated + checks.deduplicated.size,
    },
    rejectedByRule: addByRule([staged.rejectedByRule, bySql]),
  };
}

/** What SQL has made of rows that were rejected before and are released. */
async function followUnfit(
  tx: EntityManager,
  job: LoadJob,
  table: OpenedTable,
  checks: RowChecks,
): Promise<void> {
  const { dataset, attempt, landed, followed } = job;
  if (landed.release === undefined) return;
  const stale = await staleRows(tx, table, dataset);
  await keepReleased(job, attempt, landed, followed, { ...checks, stale });
}

/**
 * Keeps the rows that SQL rejected, with the raw text that they had in landing: all of them in a rejects file, the first
 * ones in the table, on another connection (R5). Memory does not grow with them.
 */
async function quarantineUnfit(job: LoadJob, checks: RowChecks): Promise<void> {
  const { identity, attempt, landing, warehouse, step } = job;
  const { dataset, businessDate, epoch } = identity;
  const sought = rejectedOf(checks);
  if (sought.size === 0) return;
  const key = loadRejectsKey(attempt, epoch);
  const file = await atPace(step, (pace) =>
    landing.write(key, jsonLines(rejectedRows(job, checks, sought, pace)), step.signal),
  );
  await keepRejected(
    warehouse,
    { dataset, businessDate },
    { attempt: attempt.epoch, own: epoch },
    readJsonLines<RejectedRecord>(landing, file),
  );
}

async function* rejectedRows(
  { dataset, identity, landed, rows, landing, step: { signal } }: LoadJob,
  checks: RowChecks,
  sought: Ordinals,
  pace: Pace,
): AsyncGenerator<RejectedRecord> {
  const context = { landing, signal };
  const found = locateStaged(dataset, identity, landed.manifest, partsOf({ rows }), sought, context, pace);
  for await (const { ordinal, values, ...place } of found)
    yield { ...place, ...rejectionOf(checks, dataset, ordinal, values) };
}
