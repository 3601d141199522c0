import type { EntityManager } from 'typeorm';
import type { Attempt } from '../rules/attempt.ts';
import { addByRule, type Counts } from '../rules/counts.ts';
import type { Dataset } from '../rules/dataset.ts';
import { WarehouseRejected } from '../rules/errors.ts';
import { locateStaged } from '../intake/locate.ts';
import type { Landed, StagedPart } from '../intake/manifest.ts';
import { openStaged } from '../intake/staged-rows.ts';
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
import { checkRows, type RowChecks, type UnfitRow } from '../warehouse/row-checks.ts';
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
  readonly parts: readonly StagedPart[];
}

/** The day's table as it will be published. */
export interface Filled {
  readonly table: OpenedTable;
  readonly counts: Counts;
  /** How often each rule struck, in the intake and in SQL. */
  readonly rejectedByRule: Readonly<Record<string, number>>;
  readonly contentSha256: string;
}

/**
 * Copies the staged parts into a new table and builds its keys. Where SQL finds rows that must not be published,
 * they go to quarantine and the stream is copied again without them: nothing is ever deleted from a frozen table (§5).
 */
export async function fillDay(tx: EntityManager, job: LoadJob): Promise<Filled> {
  const { dataset, identity } = job;
  const first = await openDay(tx, identity, 1);
  const copied = await copyStaged(tx, job, first);
  const checks = await checkRows(tx, first, dataset, await buildKeys(tx, first));
  await followUnfit(tx, job, first, checks);
  const unfit = ordinalsOf(checks);
  if (unfit.size === 0) return settle(tx, job, first, copied, checks);
  await quarantineUnfit(job, checks.rejected);
  const second = await openDay(tx, identity, 2);
  const copiedAgain = await copyStaged(tx, job, second, unfit);
  if (!(await buildKeys(tx, second))) {
    throw new WarehouseRejected(`Rows of ${dataset.name} share a key even after their copies were left out`);
  }
  return settle(tx, job, second, copiedAgain, checks);
}

/** What the staged parts say of the night so far. */
export function totalOf(parts: readonly StagedPart[]) {
  const sum = (count: (part: StagedPart) => number) => parts.reduce((total, part) => total + count(part), 0);
  return {
    read: sum(({ read }) => read),
    rejected: sum(({ rejected }) => rejected),
    discarded: sum(({ discarded }) => discarded),
    rejectedByRule: addByRule(parts.map(({ rejectedByRule }) => rejectedByRule)),
    warnings: [...new Set(parts.flatMap(({ warnings }) => warnings))],
  };
}

function copyStaged(
  tx: EntityManager,
  job: LoadJob,
  table: OpenedTable,
  without?: ReadonlySet<number>,
): Promise<Copied> {
  const { landing, parts, dataset, step } = job;
  const rows = openStaged(landing, parts, without);
  return copyInto(tx, table, dataset, rows, (bytes) => step.progress({ rows: 0, bytes }));
}

async function settle(
  tx: EntityManager,
  { dataset, parts }: LoadJob,
  table: OpenedTable,
  copied: Copied,
  checks: RowChecks,
): Promise<Filled> {
  const staged = totalOf(parts);
  const delta = dataset.write === 'merge' ? await computeDelta(tx, table) : undefined;
  const counts: Counts = {
    read: staged.read,
    loaded: delta ? delta.inserted + delta.updated + delta.unchanged : copied.rows,
    rejected: staged.rejected + checks.rejected.length,
    discarded: staged.discarded + checks.superseded.length + (delta?.stale ?? 0),
    deduplicated: checks.deduplicated.length,
  };
  const rejectedByRule = addByRule([
    staged.rejectedByRule,
    ...checks.rejected.map(({ rule }) => ({ [rule]: 1 })),
  ]);
  return { table, counts, rejectedByRule, contentSha256: copied.sha256 };
}

/** What SQL has made of rows that were rejected before and are released. */
async function followUnfit(
  tx: EntityManager,
  job: LoadJob,
  table: OpenedTable,
  checks: RowChecks,
): Promise<void> {
  const { dataset, attempt, landed, parts } = job;
  if (landed.release === undefined) return;
  const stale = await staleRows(tx, table, dataset);
  await keepReleased(job, attempt, landed, parts, { ...checks, stale });
}

function ordinalsOf({ rejected, deduplicated, superseded }: RowChecks): Set<number> {
  return new Set([...rejected.map(({ ordinal }) => ordinal), ...deduplicated, ...superseded]);
}

/** Keeps the rows that SQL rejected, with the raw text that they had in landing, on another connection (R5). */
async function quarantineUnfit(job: LoadJob, rejected: readonly UnfitRow[]): Promise<void> {
  if (rejected.length === 0) return;
  const { dataset, identity, landed, parts, warehouse, step } = job;
  const { dataset: name, businessDate, epoch } = identity;
  const day = { dataset: name, businessDate };
  const context = { ...job, signal: step.signal, progress: step.progress };
  const ordinals = rejected.map(({ ordinal }) => ordinal);
  const places = await locateStaged(dataset, day, landed.manifest, parts, ordinals, context);
  const rows = rejected.map(({ ordinal, column, rule, reason }) => {
    const place = places.get(ordinal);
    if (!place) throw new WarehouseRejected(`Row ${ordinal} of ${name} of ${businessDate} is not in landing`);
    return { ...place, column, rule, reason };
  });
  await keepRejected(warehouse, day, epoch, rows);
}
