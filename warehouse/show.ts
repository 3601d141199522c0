import type { DataSource } from 'typeorm';
import type { AttemptError, AttemptKind, AttemptState } from '../rules/attempt.ts';
import type { Counts } from '../rules/counts.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { attemptEntity, type AttemptRow } from './entities/attempt.ts';
import { auditResultEntity } from './entities/audit-result.ts';
import type { AuditFinding } from './audit.ts';

/** An attempt with all that is known of it. Instants are ISO 8601 in UTC. */
export interface AttemptStory {
  readonly epoch: number;
  readonly loadEpoch: number | null;
  readonly kind: AttemptKind;
  readonly state: AttemptState;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly counts: { readonly [Name in keyof Counts]: number | null };
  readonly rejectedByRule: Readonly<Record<string, number>>;
  readonly warnings: readonly string[];
  readonly audits: readonly AuditFinding[];
  readonly error: AttemptError | null;
  readonly loadId: string | null;
  readonly workflowId: string;
  readonly runId: string;
}

/** A committed batch of the day, and its link in the dataset's audit chain (R16). */
export interface BatchStory {
  readonly loadId: string;
  readonly epoch: number;
  readonly isPublished: boolean;
  /** The table that it committed; under `replaceDay` in warehouse_history once it was replaced. */
  readonly tableName: string;
  /** The table of its month that holds the day now; null where it is in its own. */
  readonly foldedInto: string | null;
  readonly counts: Counts;
  readonly contentSha256: string;
  readonly committedAt: string;
  /** Its place in the chain, from 1, of so many links. */
  readonly link: number;
  readonly links: number;
  readonly hash: string;
}

/** A day's whole story. */
export interface DayStory {
  /** The latest last. */
  readonly attempts: readonly AttemptStory[];
  /** How many attempts there are in all. */
  readonly attemptsInAll: number;
  readonly batches: readonly BatchStory[];
}

const MOST_ATTEMPTS = 50;
const MOST_BATCHES = 50;

/** What `show` prints: the latest attempts and batches of a day, at most 50 of each. */
export async function readStory(warehouse: DataSource, day: DatasetDay): Promise<DayStory> {
  const { dataset, businessDate } = day;
  const [rows, attemptsInAll] = await warehouse.getRepository(attemptEntity).findAndCount({
    where: { dataset, businessDate },
    order: { epoch: 'desc' },
    take: MOST_ATTEMPTS,
  });
  const findings = await warehouse.getRepository(auditResultEntity).find({
    where: { dataset, businessDate },
    order: { epoch: 'desc', audit: 'asc' },
    take: MOST_ATTEMPTS * 100,
  });
  const attempts = rows.toReversed().map((row) => ({
    ...attemptOf(row),
    audits: findings
      .filter(({ epoch }) => epoch === row.epoch)
      .map(({ audit, severity, rowsFound, sample }) => ({ audit, severity, rowsFound, sample })),
  }));
  return { attempts, attemptsInAll, batches: await readBatches(warehouse, day) };
}

function attemptOf(row: AttemptRow): Omit<AttemptStory, 'audits'> {
  const { epoch, loadEpoch, kind, state, rejectedByRule, warnings, error, loadId, workflowId } = row;
  return {
    epoch,
    loadEpoch,
    kind,
    state,
    startedAt: row.startedAt.toISOString(),
    endedAt: row.endedAt?.toISOString() ?? null,
    counts: {
      read: row.rowsRead,
      loaded: row.rowsLoaded,
      rejected: row.rowsRejected,
      discarded: row.rowsDiscarded,
      deduplicated: row.rowsDeduplicated,
    },
    rejectedByRule,
    warnings,
    error,
    loadId,
    workflowId,
    runId: row.ownerRunId,
  };
}

async function readBatches(warehouse: DataSource, day: DatasetDay): Promise<BatchStory[]> {
  const rows = await warehouse.query<(Omit<BatchStory, 'committedAt'> & { committedAt: Date })[]>(
    `select b.load_id as "loadId", b.epoch, p.load_id is not null as "isPublished", b.table_name as "tableName",
       p.folded_into as "foldedInto",
       jsonb_build_object('read', b.rows_read, 'loaded', b.rows_loaded, 'rejected', b.rows_rejected,
         'discarded', b.rows_discarded, 'deduplicated', b.rows_deduplicated) as counts,
       b.content_sha256 as "contentSha256", c.committed_at as "committedAt",
       c.seq as link, h.seq as links, encode(c.hash, 'hex') as hash
     from nighttrain.load_batch b
       join nighttrain.audit_chain c using (load_id)
       join nighttrain.audit_chain_head h on h.dataset = b.dataset
       left join nighttrain.published_day p using (load_id)
     where b.dataset = $1 and b.business_date = $2
     order by c.seq desc limit ${MOST_BATCHES}`,
    [day.dataset, day.businessDate],
  );
  return rows.toReversed().map((row) => ({ ...row, committedAt: row.committedAt.toISOString() }));
}
