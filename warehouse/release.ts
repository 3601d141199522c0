import type { DataSource } from 'typeorm';
import type { AttemptState } from '../rules/attempt.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { dayLabel } from '../rules/dataset-day.ts';
import { ReleaseOver } from '../rules/errors.ts';
import type { RequestState } from '../rules/request.ts';
import { storableText } from './storable.ts';

/** A file in landing. */
interface CorrectedFile {
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Rejected rows of a day that go back through validation, as somebody asked for it. */
export interface Release extends DatasetDay {
  readonly releaseId: string;
  /** The attempt that had rejected them. */
  readonly ofEpoch: number;
  /** What that attempt had read, in landing. */
  readonly manifest: string;
  readonly reason: string;
  readonly requestedBy: string;
  /** The corrected file; none where a rule was mended. */
  readonly file: CorrectedFile | undefined;
  /** The epochs in whose landing folders the input lies. */
  readonly landedEpochs: readonly number[];
}

/** A release and how far it has come. */
export interface ReleaseStatus extends Release {
  readonly askedAt: Date;
  /** What control has answered; null until it has. */
  readonly request: { readonly state: RequestState; readonly answer: string } | null;
  /** The attempt that carries it out; null until one does. */
  readonly attempt: { readonly epoch: number; readonly state: AttemptState } | null;
}

/** Keeps a release before anybody is asked to carry it out. */
export async function recordRelease(warehouse: DataSource, release: Release): Promise<void> {
  const { file, landedEpochs } = release;
  await warehouse.query(
    `insert into nighttrain.quarantine_release
       (release_id, dataset, business_date, of_epoch, manifest, reason, requested_by,
        file_key, file_bytes, file_sha256, landed_epochs)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      release.releaseId,
      release.dataset,
      release.businessDate,
      release.ofEpoch,
      release.manifest,
      storableText(release.reason),
      storableText(release.requestedBy),
      file?.key ?? null,
      file?.bytes ?? null,
      file?.sha256 ?? null,
      [...landedEpochs],
    ],
  );
}

/** The releases of a day, the latest first. */
export function releasesOf(
  warehouse: DataSource,
  { dataset, businessDate }: DatasetDay,
): Promise<ReleaseStatus[]> {
  return findReleases(warehouse, 'r.dataset = $1 and r.business_date = $2', [dataset, businessDate]);
}

/** The release of that id, or undefined. */
export async function findRelease(
  warehouse: DataSource,
  releaseId: string,
): Promise<ReleaseStatus | undefined> {
  const [found] = await findReleases(warehouse, 'r.release_id::text = $1', [releaseId]);
  return found;
}

async function findReleases(
  warehouse: DataSource,
  where: string,
  values: unknown[],
): Promise<ReleaseStatus[]> {
  const rows = await warehouse.query<(Omit<ReleaseStatus, 'file'> & { file: CorrectedFile | null })[]>(
    `select r.release_id as "releaseId", r.dataset, r.business_date as "businessDate", r.of_epoch as "ofEpoch",
       r.manifest, r.reason, r.requested_by as "requestedBy", r.landed_epochs as "landedEpochs",
       r.asked_at as "askedAt",
       case when r.file_key is not null then
         jsonb_build_object('key', r.file_key, 'bytes', r.file_bytes, 'sha256', r.file_sha256) end as file,
       case when q.request_id is not null then jsonb_build_object('state', q.state, 'answer', q.answer) end as request,
       case when a.epoch is not null then jsonb_build_object('epoch', a.epoch, 'state', a.state) end as attempt
     from nighttrain.quarantine_release r
       left join nighttrain.request q on q.request_id = r.release_id::text
       left join nighttrain.attempt a
         on (a.dataset, a.business_date, a.epoch) = (r.dataset, r.business_date, r.epoch)
     where ${where}
     order by r.asked_at desc, r.release_id`,
    values,
  );
  return rows.map((row) => ({ ...row, file: row.file ?? undefined }));
}

/**
 * Why a release cannot be carried out, or undefined: it is of another day, was carried out before (R9), or the day was
 * judged anew since, so that its rows are no longer those that count (R5).
 * @param epoch of the attempt that would
 */
export async function problemOfRelease(
  warehouse: DataSource,
  releaseId: string,
  day: DatasetDay,
  epoch = Number.MAX_SAFE_INTEGER,
): Promise<string | undefined> {
  const release = await findRelease(warehouse, releaseId);
  if (release?.dataset !== day.dataset || release.businessDate !== day.businessDate)
    return `there is no release ${releaseId.slice(0, 100)} of ${dayLabel(day)}`;
  const { attempt, ofEpoch } = release;
  if (attempt?.state === 'loaded' && attempt.epoch !== epoch)
    return `release ${releaseId} was carried out before: epoch ${attempt.epoch} is loaded`;
  const [newer] = await warehouse.query<{ epoch: number; state: AttemptState }[]>(
    `select epoch, state from nighttrain.attempt
     where dataset = $1 and business_date = $2 and epoch > $3 and epoch < $4 and epoch is distinct from $5::bigint
       and state in ('loaded', 'refused')
     order by epoch desc limit 1`,
    [day.dataset, day.businessDate, ofEpoch, epoch, attempt?.epoch ?? null],
  );
  return (
    newer && `release ${releaseId} is of epoch ${ofEpoch}, and epoch ${newer.epoch} was ${newer.state} since`
  );
}

/**
 * Makes an attempt the one that carries a release out; the latest attempt that does so counts, until one has loaded.
 * Doing it again changes nothing. @throws ReleaseOver
 */
export async function bindRelease(
  warehouse: DataSource,
  releaseId: string,
  attempt: DatasetDay & { readonly epoch: number },
): Promise<Release> {
  const problem = await problemOfRelease(warehouse, releaseId, attempt, attempt.epoch);
  if (problem === undefined && (await followRelease(warehouse, releaseId, attempt.epoch))) {
    const release = await findRelease(warehouse, releaseId);
    if (release) return release;
  }
  throw new ReleaseOver(
    `${dayLabel(attempt)} is not replayed: ${problem ?? 'a newer attempt carries it out'}`,
    {
      hint: `Look at its rejected rows, and release them anew: npx nighttrain quarantine list ${attempt.dataset} ${attempt.businessDate}`,
    },
  );
}

/** Has an attempt answer for a release that none has loaded yet; false where one has, or a newer attempt does. */
export async function followRelease(
  warehouse: DataSource,
  releaseId: string,
  epoch: number,
): Promise<boolean> {
  const [followed] = await warehouse.query<unknown[]>(
    `with followed as (
       update nighttrain.quarantine_release r set epoch = $2
       where release_id = $1 and coalesce(epoch, 0) <= $2
         and not exists (
           select from nighttrain.attempt a
           where (a.dataset, a.business_date, a.epoch) = (r.dataset, r.business_date, r.epoch)
             and a.state = 'loaded' and a.epoch <> $2)
       returning 1
     )
     select 1 from followed`,
    [releaseId, epoch],
  );
  return followed !== undefined;
}
