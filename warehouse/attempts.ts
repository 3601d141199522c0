import { Not, type DataSource } from 'typeorm';
import type { AttemptError, AttemptKind, Outcome } from '../rules/attempt.ts';
import type { Counts } from '../rules/counts.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { toJsonb } from './storable.ts';
import { attemptEntity, type AttemptRow } from './entities/attempt.ts';

export interface AttemptStart extends DatasetDay {
  readonly epoch: number;
  readonly ownerRunId: string;
  readonly workflowId: string;
  readonly kind: AttemptKind;
}

/** Records that an attempt began; written once, however often the step runs. */
export async function recordStart(warehouse: DataSource, start: AttemptStart): Promise<void> {
  const values = { ...start, state: 'running' as const, rejectedByRule: {}, warnings: [] };
  await warehouse.createQueryBuilder().insert().into(attemptEntity).values(values).orIgnore().execute();
}

/** The epoch of the attempt that this run has recorded for the day, or undefined. */
export async function findAttemptOfRun(
  warehouse: DataSource,
  { dataset, businessDate }: DatasetDay,
  ownerRunId: string,
): Promise<number | undefined> {
  const found = await warehouse.getRepository(attemptEntity).findOneBy({ dataset, businessDate, ownerRunId });
  return found?.epoch;
}

/** The attempt of an epoch, or undefined. */
export async function findAttempt(
  warehouse: DataSource,
  attempt: DatasetDay & { readonly epoch: number },
): Promise<AttemptRow | undefined> {
  return (await warehouse.getRepository(attemptEntity).findOneBy(identityOf(attempt))) ?? undefined;
}

const MOST_EPOCHS = 50;

/** The epochs of a day's attempts before one, the latest first. */
export async function epochsBefore(
  warehouse: DataSource,
  { dataset, businessDate }: DatasetDay,
  epoch: number,
): Promise<number[]> {
  const rows = await warehouse.query<{ epoch: number }[]>(
    `select epoch from nighttrain.attempt
     where dataset = $1 and business_date = $2 and epoch < $3 order by epoch desc limit ${MOST_EPOCHS}`,
    [dataset, businessDate, epoch],
  );
  return rows.map((row) => row.epoch);
}

/** What is known of an attempt's rows so far; `show` and `status` print it even where nothing is loaded. */
export interface AttemptTally extends Partial<Counts> {
  readonly rejectedByRule?: Readonly<Record<string, number>>;
  readonly warnings?: readonly string[];
  readonly loadEpoch?: number;
  readonly manifest?: string;
}

/** Keeps the tally, on a connection that no rollback touches (R5). */
export async function recordTally(
  warehouse: DataSource,
  attempt: DatasetDay & { readonly epoch: number },
  tally: AttemptTally,
): Promise<void> {
  const { read, loaded, rejected, discarded, deduplicated, rejectedByRule, warnings, loadEpoch, manifest } =
    tally;
  await warehouse.getRepository(attemptEntity).update(identityOf(attempt), {
    ...(read !== undefined && { rowsRead: read }),
    ...(loaded !== undefined && { rowsLoaded: loaded }),
    ...(rejected !== undefined && { rowsRejected: rejected }),
    ...(discarded !== undefined && { rowsDiscarded: discarded }),
    ...(deduplicated !== undefined && { rowsDeduplicated: deduplicated }),
    ...(rejectedByRule && { rejectedByRule: { ...rejectedByRule } }),
    ...(warnings && { warnings: [...warnings] }),
    ...(loadEpoch !== undefined && { loadEpoch }),
    ...(manifest !== undefined && { manifest }),
  });
}

export interface AttemptEnd {
  readonly outcome: Outcome;
  readonly error?: AttemptError | undefined;
  readonly loadId?: string | undefined;
}

/**
 * Closes an attempt; one that is closed already stays as it is, unless it was loaded after all: its workflow was reset,
 * and the ledger has the last word.
 */
export async function recordEnd(
  warehouse: DataSource,
  attempt: DatasetDay & { readonly epoch: number },
  { outcome, error, loadId }: AttemptEnd,
): Promise<void> {
  await warehouse.getRepository(attemptEntity).update(
    { ...identityOf(attempt), state: outcome === 'loaded' ? Not('loaded') : 'running' },
    {
      state: outcome,
      error: error ? (JSON.parse(toJsonb(error)) as AttemptError) : null,
      loadId: loadId ?? null,
      endedAt: () => 'clock_timestamp()',
    },
  );
}

function identityOf({ dataset, businessDate, epoch }: DatasetDay & { readonly epoch: number }) {
  return { dataset, businessDate, epoch };
}
